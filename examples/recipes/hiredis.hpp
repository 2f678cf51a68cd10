// Redis for coroutines: hiredis (0.14 and newer) talks to the server, one Watch of the loop serves
// its descriptor.
#pragma once

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <ringio.hpp>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace redis {

/// What the server answers, or why the connection is lost.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a command gave. hiredis frees its own after the callback, so this is a copy.
struct Reply {
    explicit Reply(const redisReply& reply)
        : type(reply.type),
          integer(reply.integer),
          text(reply.str != nullptr ? reply.str : "", reply.len) {
        for (std::size_t at = 0; at < reply.elements; ++at) {
            elements.emplace_back(*reply.element[at]);
        }
    }

    bool is_null() const noexcept { return type == REDIS_REPLY_NIL; }

    int type;
    long long integer;
    std::string text;
    std::vector<Reply> elements;
};

class Channel;

namespace detail {

// [link]
/// Between hiredis and the loop. The context is hiredis's: it may be freed within any call of its
/// functions, and cleanup() is how this hears of it.
struct Link {
    explicit Link(redisAsyncContext* connecting) : watch(connecting->c.fd, 0), context(connecting) {
        context->data = this;
        context->ev.data = this;
        context->ev.addRead = [](void* link) { static_cast<Link*>(link)->want(POLLIN, true); };
        context->ev.delRead = [](void* link) { static_cast<Link*>(link)->want(POLLIN, false); };
        context->ev.addWrite = [](void* link) { static_cast<Link*>(link)->want(POLLOUT, true); };
        context->ev.delWrite = [](void* link) { static_cast<Link*>(link)->want(POLLOUT, false); };
        context->ev.cleanup = [](void* link) { static_cast<Link*>(link)->cleanup(); };
    }

    void want(int event, bool wanted) noexcept {
        watch.set_events(wanted ? watch.events() | event : watch.events() & ~event);
    }

    /// The descriptor is closed next: the wait for it ends first.
    void cleanup() noexcept {
        if (context->err != 0) {
            why = context->errstr;
        }
        context = nullptr;
        watch.close();
        if (!connected.done()) {
            connected.set_exception(Error(why));
        }
    }

    /// All who wait for an answer are told.
    void free() noexcept {
        if (context != nullptr) {
            redisAsyncFree(context);
        }
    }

    ringio::Watch watch;
    redisAsyncContext* context;  // null: there is no connection any more
    std::string why = "the connection is closed";
    ringio::Promise<> connected = ringio::get_running_loop().create_future();
    std::vector<std::shared_ptr<Channel>> channels;
};

inline ringio::Task<> serve(std::shared_ptr<Link> link) {
    const ringio::ScopeExit end([&link] { link->free(); });
    while (link->context != nullptr) {
        const int ready = co_await link->watch.next();  // 0: ended, or another event is wanted
        if ((ready & ~POLLOUT) != 0 && link->context != nullptr) {
            redisAsyncHandleRead(link->context);
        }
        if ((ready & POLLOUT) != 0 && link->context != nullptr) {
            redisAsyncHandleWrite(link->context);
        }
    }
}
// [/link]

using Answer = ringio::Promise<Reply>;

/// Called once for each command, with null when the connection ends before its reply.
inline void on_reply(redisAsyncContext* context, void* given, void* answer_of_command) noexcept {
    const std::unique_ptr<Answer> answer(static_cast<Answer*>(answer_of_command));
    const auto* const reply = static_cast<const redisReply*>(given);
    if (answer->done()) {
        return;  // who asked was cancelled
    }
    if (reply == nullptr) {
        answer->set_exception(
            Error(context->err != 0 ? context->errstr : "the connection is closed"));
    } else if (reply->type == REDIS_REPLY_ERROR) {
        answer->set_exception(Error(reply->str));
    } else {
        answer->set_result(*reply);
    }
}

inline void on_connect(const redisAsyncContext* context, int status) noexcept {
    Link& link = *static_cast<Link*>(context->data);
    if (link.connected.done()) {
        return;
    }
    if (status == REDIS_OK) {
        link.connected.set_result();
    } else {
        link.connected.set_exception(Error(context->c.errstr));
    }
}

}  // namespace detail

/// The messages of a channel.
class Channel {
public:
    explicit Channel(std::string name) : name_(std::move(name)) {}

    /// Awaited, gives the next message. *Errors*: ringio::QueueShutDown when the connection has
    /// ended and all that came before was taken.
    auto next() noexcept { return messages_.get(); }
    const std::string& name() const noexcept { return name_; }

private:
    friend class Connection;

    static void on_message(redisAsyncContext*, void* given, void* of_channel) noexcept {
        Channel& channel = *static_cast<Channel*>(of_channel);
        const auto* const reply = static_cast<const redisReply*>(given);
        if (reply == nullptr) {
            channel.messages_.shutdown();
            channel.subscribed_.set();
        } else if (reply->elements == 3 && reply->element[2]->type == REDIS_REPLY_STRING) {
            channel.messages_.put_nowait({reply->element[2]->str, reply->element[2]->len});
        } else {
            channel.subscribed_.set();
        }
    }

    std::string name_;
    ringio::Queue<std::string> messages_;
    ringio::Event subscribed_;
};

/// A connection. Any number of tasks may share it; what they send in one turn leaves together.
///
/// *Errors*: Error; after one that is no answer of the server the connection is lost. hiredis
/// writes by write(2), so the program has to ignore SIGPIPE. *Cancellation*: a reply that nobody
/// waits for any more is dropped; the server does the command all the same.
class Connection {
public:
    /// `host` is a numeric address: the look-up of a name would block.
    static ringio::Task<Connection> connect(std::string host, int port) {
        redisAsyncContext* const context = redisAsyncConnect(host.c_str(), port);
        if (context == nullptr) {
            throw std::bad_alloc();
        }
        if (context->err != 0) {
            const Error error(context->errstr);
            redisAsyncFree(context);
            throw error;
        }
        Connection connection(std::make_shared<detail::Link>(context));
        redisAsyncSetConnectCallback(context, detail::on_connect);  // after the hooks: it uses them
        ringio::create_task(detail::serve(connection.link_));
        co_await connection.link_->connected.get_future();
        co_return connection;
    }

    Connection(Connection&&) = default;
    Connection& operator=(Connection&&) = delete;
    ~Connection() {
        if (link_) {
            link_->free();
        }
    }

    /// Sends a command, with the places %s (a const char*), %b (a const void* and a std::size_t)
    /// and %d in it, and gives a future of the reply.
    template <class... Arguments>
    ringio::Future<Reply> command(const char* format, Arguments... arguments) {
        static_assert(
            ((std::is_arithmetic_v<Arguments> || std::is_pointer_v<Arguments>) && ...),
            "pass a text as %s with text.c_str(), or as %b with text.data(), text.size()");
        auto answer =
            std::make_unique<detail::Answer>(ringio::get_running_loop().create_future<Reply>());
        const ringio::Future<Reply> future = answer->get_future();
        redisAsyncContext* const context = link_->context;
        if (context != nullptr && redisAsyncCommand(context, detail::on_reply, answer.get(), format,
                                                    arguments...) == REDIS_OK) {
            static_cast<void>(answer.release());  // on_reply() takes it
        } else {
            answer->set_exception(Error(context == nullptr ? link_->why : "the format is wrong"));
        }
        return future;
    }

    /// Subscribes to a channel, and comes back when the server has said so. A connection that does
    /// is good for nothing else.
    ringio::Task<std::shared_ptr<Channel>> subscribe(std::string name) {
        const auto channel = std::make_shared<Channel>(std::move(name));
        const std::shared_ptr<detail::Link> link = link_;
        if (link->context == nullptr ||
            redisAsyncCommand(link->context, Channel::on_message, channel.get(), "SUBSCRIBE %s",
                              channel->name().c_str()) != REDIS_OK) {
            throw Error(link->why);
        }
        link->channels.push_back(channel);  // hiredis refers to it until the end
        co_await channel->subscribed_.wait();
        if (link->context == nullptr) {
            throw Error(link->why);
        }
        co_return channel;
    }

private:
    explicit Connection(std::shared_ptr<detail::Link> link) noexcept : link_(std::move(link)) {}

    std::shared_ptr<detail::Link> link_;
};

}  // namespace redis
