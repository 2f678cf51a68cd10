// CancelSource: who asked for a cancellation, and where. It travels with the request, beside the
// message, through everything that the request reaches.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>

namespace ringio {

/// What kind of thing asked for a cancellation.
enum class CancelCause : unsigned char {
    unknown,     ///< a CancelledError that was thrown by hand, or there was no memory to note it
    call,        ///< cancel(), of a task, a future or a group
    deadline,    ///< timeout(), timeout_at(), wait_for()
    task_group,  ///< a task of the group, or its body, failed
    when_all,    ///< one of the others failed
    when_any,    ///< one of the others was first
    staggered_race,  ///< one of the others was first
    interrupt,       ///< Ctrl-C
    signal,          ///< one of RunOptions::cancel_on; the message is its name
    shutdown,        ///< run() has its result, and ends the tasks that are left
};

/// Who asked for a cancellation.
class CancelSource {
public:
    CancelSource() = default;
    CancelSource(CancelCause cause, std::string task, const std::source_location& where) noexcept
        : cause_(cause), task_(std::move(task)), where_(where) {}

    CancelCause cause() const noexcept { return cause_; }

    /// Returns the name of the task that called cancel(), or that failed or was first; empty when
    /// it was none.
    const std::string& task() const noexcept { return task_; }

    /// Returns the place of the call or of the deadline; line 0 when there is none.
    const std::source_location& where() const noexcept { return where_; }

    /// Returns "cancelled by Task 'Task-1' at main.cpp:40" and the like; nothing when unknown.
    std::string text() const;

private:
    CancelCause cause_ = CancelCause::unknown;
    std::string task_;
    std::source_location where_;
};

namespace detail {

class FutureStateBase;
class TaskStateBase;

/// One request to cancel. Everything that it reaches shares it; so may other threads.
struct Cancellation {
    Cancellation(std::string text, CancelSource who) noexcept
        : message(std::move(text)), source(std::move(who)) {}

    std::string message;
    CancelSource source;
    mutable std::atomic<std::uint32_t> references = 0;

    friend void intrusive_add_ref(const Cancellation* request) noexcept {
        request->references.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_release(const Cancellation* request) noexcept {
        if (request->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            retire(request);
        }
    }

private:
    static void retire(const Cancellation* request) noexcept;
};

/// Null when there is nothing to tell of the request, or there was no memory for it.
using CancellationPtr = IntrusivePtr<const Cancellation>;

/// Says, as long as it lives, who makes the requests to cancel that are made on this thread. The
/// outermost one counts: what it calls only passes its request on.
class CancelOrigin {
public:
    /// The task that runs, if one does.
    explicit CancelOrigin(CancelCause cause, const std::source_location& where = {}) noexcept;
    /// A scope, because of what became of `decisive` (null: of the scope's body).
    CancelOrigin(CancelCause cause, const FutureStateBase* decisive) noexcept;
    /// Whoever made a request that is passed on only now; null: not known.
    explicit CancelOrigin(CancellationPtr known) noexcept;
    CancelOrigin(const CancelOrigin&) = delete;
    CancelOrigin& operator=(const CancelOrigin&) = delete;
    ~CancelOrigin();

    /// Returns the request that is being made, to be kept; null when there is nothing to tell.
    /// *Errors*: std::bad_alloc.
    static CancellationPtr request(const std::string& message);
    /// The same; null without memory for it: a cancellation is never lost, but what it says may be.
    static CancellationPtr request_if_memory(const std::string& message) noexcept;

private:
    CancelSource source() const;

    CancelCause cause_;
    const TaskStateBase* task_ = nullptr;  // null: none
    std::source_location where_;
    CancellationPtr request_;  // made when first asked for
};

}  // namespace detail
}  // namespace ringio
