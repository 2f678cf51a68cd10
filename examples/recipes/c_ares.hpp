// Names looked up by c-ares (1.18 and newer), without a thread: a Watch for each of its sockets,
// one timer for what it waits for. Ask it for what getaddrinfo() does not know, or for thousands at
// once.
#pragma once

#include <ares.h>
#include <ringio.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dns {

/// Why there is no address.
class Error : public std::runtime_error {
public:
    explicit Error(int status) : std::runtime_error(ares_strerror(status)), status_(status) {}

    int status() const noexcept { return status_; }  ///< ARES_ENOTFOUND, ARES_ETIMEOUT, …

private:
    int status_;
};

using Addresses = std::vector<ringio::SocketAddress>;

struct Options {
    const char* servers = nullptr;  ///< "192.0.2.1:53,192.0.2.2"; null: those of resolv.conf
    std::chrono::milliseconds timeout = std::chrono::seconds(2);  ///< of the first try
    int tries = 3;
};

namespace detail {

class Channel : public std::enable_shared_from_this<Channel> {
public:
    explicit Channel(const Options& options);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() { close(); }

    /// All who wait are told. Not to be called within a callback of c-ares.
    void close() noexcept {
        timer_.cancel();
        if (channel_ != nullptr) {
            ares_destroy(std::exchange(channel_, nullptr));
        }
    }

    void look_up(const char* name, const char* service, int family, ares_addrinfo_callback callback,
                 void* data) {
        const ares_addrinfo_hints hints{.ai_flags = ARES_AI_NOSORT,
                                        .ai_family = family,
                                        .ai_socktype = SOCK_STREAM,
                                        .ai_protocol = 0};
        ares_getaddrinfo(channel_, name, service, &hints, callback, data);
        set_timer();
    }

private:
    // [sockets]
    /// Called again and again for a socket, whenever something else is to be waited for; with 0
    /// before it is closed. Its number may be another socket's right after.
    void on_socket(int fd, int events) {
        std::shared_ptr<ringio::Watch>& watch = watches_[fd];
        if (events == 0) {
            if (watch) {
                watch->close();
            }
            watches_.erase(fd);
        } else if (watch) {
            watch->set_events(events);
        } else {
            watch = std::make_shared<ringio::Watch>(fd, events);
            ringio::create_task(serve(shared_from_this(), watch));
        }
    }

    static ringio::Task<> serve(std::shared_ptr<Channel> channel,
                                std::shared_ptr<ringio::Watch> watch) {
        while (watch->fd() >= 0) {
            const int fd = watch->fd();
            const int ready = co_await watch->next();  // 0: ended, or another event is wanted
            if (ready != 0) {
                channel->process((ready & ~POLLOUT) != 0 ? fd : ARES_SOCKET_BAD,
                                 (ready & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
            }
        }
    }

    void process(ares_socket_t readable, ares_socket_t writable) {
        ares_process_fd(channel_, readable, writable);
        set_timer();
    }

    /// After each call: that one may have begun to wait for something, or stopped.
    void set_timer() {
        timer_.cancel();
        timeval left{};
        if (ares_timeout(channel_, nullptr, &left) != nullptr) {
            const auto delay =
                std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
            timer_ = loop_.call_later(delay, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
        }
    }
    // [/sockets]

    ringio::EventLoop& loop_ = ringio::get_running_loop();
    ares_channel channel_ = nullptr;
    std::map<int, std::shared_ptr<ringio::Watch>> watches_;
    ringio::TimerHandle timer_;
};

inline Channel::Channel(const Options& options) {
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    ares_options settings{};
    settings.timeout = static_cast<int>(options.timeout.count());
    settings.tries = options.tries;
    settings.sock_state_cb_data = this;
    settings.sock_state_cb = [](void* channel, ares_socket_t fd, int readable, int writable) {
        static_cast<Channel*>(channel)->on_socket(
            fd, (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
    };
    int status = library;
    if (status == ARES_SUCCESS) {
        status = ares_init_options(&channel_, &settings,
                                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    }
    if (status == ARES_SUCCESS && options.servers != nullptr) {
        status = ares_set_servers_ports_csv(channel_, options.servers);
    }
    if (status != ARES_SUCCESS) {
        close();
        throw Error(status);
    }
}

using Answer = ringio::Promise<Addresses>;

inline void on_answer(void* given, int status, int, ares_addrinfo* found) noexcept {
    const std::unique_ptr<Answer> answer(static_cast<Answer*>(given));
    const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> kept(found,
                                                                            &ares_freeaddrinfo);
    if (answer->done()) {
        return;  // who asked was cancelled
    }
    if (status != ARES_SUCCESS) {
        answer->set_exception(Error(status));
        return;
    }
    Addresses addresses;
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
        addresses.emplace_back(node->ai_addr, node->ai_addrlen);
    }
    answer->set_result(std::move(addresses));
}

}  // namespace detail

/// Looks names up. It may do so for a loop, too, where open_connection() asks it then:
/// `loop.set_resolver(std::make_shared<dns::Resolver>())`.
///
/// *Lifetime*: on the thread of its loop, while that runs. When it goes, those who wait get an
/// Error.
class Resolver final : public ringio::Resolver {
public:
    /// *Errors*: Error.
    explicit Resolver(const Options& options = {})
        : channel_(std::make_shared<detail::Channel>(options)) {}
    ~Resolver() override { channel_->close(); }

    /// Looks a name up, and gives a future of its addresses; `service` is their port, or its name.
    /// *Errors*: Error, by the future. *Cancellation*: the answer is dropped; c-ares cannot take
    /// one question back.
    ringio::Future<Addresses> resolve(const std::string& name, int family = AF_UNSPEC,
                                      const std::string& service = "0") {
        auto answer =
            std::make_unique<detail::Answer>(ringio::get_running_loop().create_future<Addresses>());
        ringio::Future<Addresses> future = answer->get_future();
        const char* const port = service == "0" ? nullptr : service.c_str();  // it refuses a 0
        channel_->look_up(name.c_str(), port, family, detail::on_answer, answer.release());
        return future;
    }

    // [resolver]
    ringio::Task<std::vector<ringio::AddressInfo>> getaddrinfo(
        std::string host, std::string service, ringio::AddressHints hints) override {
        const Addresses addresses = co_await resolve(host, hints.family, service);
        std::vector<ringio::AddressInfo> found;
        for (const ringio::SocketAddress& address : addresses) {
            found.push_back({.address = address,
                             .family = address.family(),
                             .type = hints.type,
                             .protocol = hints.proto,
                             .canonname = {}});
        }
        co_return found;
    }
    // [/resolver]

private:
    std::shared_ptr<detail::Channel> channel_;
};

}  // namespace dns
