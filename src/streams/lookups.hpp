// Lookups: the questions to the resolver that a loop has under way, each with those who wait for
// its answer, and the threads that ask.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/task.hpp>
#include <ringio/streams/names.hpp>
#include <ringio/streams/resolver.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace ringio::detail {

/// For getaddrinfo(), or, with an address, for getnameinfo().
struct Question {
    Question(std::string host_name, std::string service_name, const AddressHints& wanted)
        : host(std::move(host_name)), service(std::move(service_name)), hints(wanted) {}
    Question(const SocketAddress& named, int flags) : hints{.flags = flags}, address(named) {}

    std::string host;
    std::string service;
    AddressHints hints;  // the flags, also of getnameinfo()
    SocketAddress address;
};

struct Answer {
    int error = 0;         // of resolver_category()
    int system_error = 0;  // behind EAI_SYSTEM
    std::vector<AddressInfo> found;
    std::string host;
    std::string service;
};

using SharedAnswer = std::shared_ptr<const Answer>;

/// Who answers for a loop in the place of the C library.
struct OwnResolver final : EndsWithLoop {
    std::shared_ptr<Resolver> resolver;
};

/// Asks the resolver, the loop's own or the C library's. *Errors*: std::invalid_argument for a zero
/// byte in a name; those of the resolver are in the answer. *Cancellation*: at once.
Task<SharedAnswer> ask(EventLoop& loop, Question question);

/// "host:service", with brackets around an IPv6 literal; for texts of errors.
std::string host_and_service(const std::string& host, const std::string& service);

/// Throws the error that an answer is. `what` is what was asked.
[[noreturn]] void throw_resolver_error(const Answer& answer, const std::string& what);

/// Made at first use, and ended when the loop closes: what a thread still asks, nobody hears.
class Lookups final : public EndsWithLoop {
public:
    struct Lookup;

    /// What goes to a thread and comes back.
    struct Reply {
        Lookup* lookup;                   // looked at on the loop's thread; null: nobody waits
        std::atomic<bool> wanted = true;  // the same for the thread
        SharedAnswer answer;              // null: there was no memory for it
    };

    /// One question, for as long as somebody waits for its answer.
    struct Lookup {
        void leave_reply() noexcept;

        std::string key;
        Promise<SharedAnswer> answer;
        std::shared_ptr<Reply> reply = {};
        std::shared_ptr<void> expected_wakeup = {};
        std::size_t waiting = 0;
        Lookups* home = nullptr;  // null once the loop is closed
    };

    ~Lookups() override;

    /// Gives the look-up that is under way, or begins one. Who waits counts himself.
    std::shared_ptr<Lookup> find_or_begin(EventLoop& loop, Question question);
    void end(Lookup& lookup) noexcept;

private:
    /// Where threads leave replies, as long as there is a loop to take them.
    struct Desk {
        std::mutex mutex;
        bool is_open = true;
    };

    UniqueFunction<void()> make_job(EventLoop& loop, const std::shared_ptr<Reply>& reply,
                                    Question question);

    std::shared_ptr<Desk> desk_ = std::make_shared<Desk>();
    std::unordered_map<std::string, std::shared_ptr<Lookup>> under_way_;
    concurrent::ThreadPoolExecutor threads_{
        concurrent::ThreadPoolOptions{.max_workers = 4, .thread_name_prefix = "ringio-dns"}};
};

}  // namespace ringio::detail
