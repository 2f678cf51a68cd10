// A resolver that the test plays: its look-ups wait until it lets them go on.
#pragma once

#include <ringio/base/system_calls.hpp>
#include <ringio/streams/names.hpp>
#include <ringio/streams/resolve.hpp>
#include <support/catch.hpp>

#include <netdb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ringio::test_support {

/// The code of resolver_category() that a look-up fails with; 0 for none, 1 for another category.
inline Task<int> failure_of(Task<std::vector<AddressInfo>> looking) {
    try {
        static_cast<void>(co_await std::move(looking));
    } catch (const std::system_error& error) {
        co_return error.code().category() == resolver_category() ? error.code().value() : 1;
    }
    co_return 0;
}

/// While it lives, the loops of this thread ask it, save for literals. Every name but "again" is
/// 127.0.0.1. Its destructor lets every look-up go.
class PlayedResolver {
public:
    PlayedResolver() {
        static const SystemCalls calls = with_played_names();
        std::atomic_store(&current(), state_);
        detail::system_calls = &calls;
    }
    PlayedResolver(const PlayedResolver&) = delete;
    PlayedResolver& operator=(const PlayedResolver&) = delete;
    ~PlayedResolver() {
        detail::system_calls = &SystemCalls::real;
        open();
    }

    /// Lets go on whoever asked or asks.
    void open() {
        const std::lock_guard lock(state_->mutex);
        state_->is_open = true;
        state_->changed.notify_all();
    }
    /// Waits until so many look-ups are under way.
    void wait_for_askers(std::size_t count) {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return state_->under_way >= count; });
    }
    std::size_t under_way() const {
        const std::lock_guard lock(state_->mutex);
        return state_->under_way;
    }
    /// What was asked for, in order.
    std::vector<std::string> asked() const {
        const std::lock_guard lock(state_->mutex);
        return state_->asked;
    }

private:
    /// Stays as long as a thread may ask, which may be later than anybody waits for the answer.
    struct State {
        void pass(const std::string& what) {
            std::unique_lock lock(mutex);
            asked.push_back(what);
            ++under_way;
            changed.notify_all();
            changed.wait(lock, [this] { return is_open; });
            --under_way;
        }

        std::mutex mutex;
        std::condition_variable changed;
        bool is_open = false;
        std::size_t under_way = 0;
        std::vector<std::string> asked;
    };

    static std::shared_ptr<State>& current() {
        static auto& state = *new std::shared_ptr<State>;
        return state;
    }
    static SystemCalls with_played_names() {
        SystemCalls calls = SystemCalls::real;
        calls.getaddrinfo = [](const char* host, const char* service, const addrinfo* hints,
                               addrinfo** found) {
            const bool is_name = (hints->ai_flags & AI_NUMERICHOST) == 0 && host != nullptr;
            if (is_name) {
                pass_current(host);
            }
            if (is_name && std::string(host) == "again") {
                return EAI_AGAIN;
            }
            return ::getaddrinfo(is_name ? "127.0.0.1" : host, service, hints, found);
        };
        calls.getnameinfo = [](const sockaddr* address, unsigned size, char* host,
                               unsigned host_size, char* service, unsigned service_size,
                               int flags) {
            if ((flags & NI_NUMERICHOST) == 0) {
                pass_current("a name");
            }
            return ::getnameinfo(address, size, host, host_size, service, service_size,
                                 flags | NI_NUMERICHOST);
        };
        return calls;
    }
    static void pass_current(const char* what) {
        const std::shared_ptr<State> state = std::atomic_load(&current());
        state->pass(what);
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace ringio::test_support
