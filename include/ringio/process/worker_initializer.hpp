// WorkerInitializer: what the workers of a ProcessPoolExecutor call first.
#pragma once

#include <ringio/process/remote_call.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace ringio::concurrent {

/// A call that each worker process makes before any other: nothing, a function `set_up`, or a
/// function with its arguments, `{set_up, "model.bin", 4}`. What it returns is dropped.
/// *Errors*: what writing the arguments to the archive throws.
class WorkerInitializer {
public:
    WorkerInitializer() noexcept = default;

    template <class Fn, class... Args>
        requires(!std::is_same_v<std::decay_t<Fn>, WorkerInitializer>)
    WorkerInitializer(Fn&& function, Args&&... args) {
        using Callee = std::decay_t<Fn>;
        detail::require_remote_callable<Callee, Args...>();
        ArchiveOut out;
        detail::RemoteCallOf<Callee, Args...>::write(out, Callee(std::forward<Fn>(function)),
                                                     std::forward<Args>(args)...);
        message_ = std::move(out).bytes();
    }

    // GCC 12: a temporary in the operand of a co_await is destroyed twice where these are implicit.
    WorkerInitializer(const WorkerInitializer& other) : message_(other.message_) {}
    WorkerInitializer(WorkerInitializer&& other) noexcept : message_(std::move(other.message_)) {}
    WorkerInitializer& operator=(const WorkerInitializer&) = default;
    WorkerInitializer& operator=(WorkerInitializer&&) noexcept = default;
    ~WorkerInitializer() {}

    /// The call as it is sent; empty: there is none.
    const std::string& message() const noexcept { return message_; }

private:
    std::string message_;
};

}  // namespace ringio::concurrent
