// Barrier: so many tasks wait until all of them are there, and then go on together.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace ringio {

/// Thrown by Barrier::wait() when the barrier is reset or aborted.
class RINGIO_API BrokenBarrierError final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

namespace detail {

struct BarrierState;

}  // namespace detail

/// A meeting point of tasks that can be used again and again; asyncio.Barrier.
///
/// *Lifetime*: those who wait keep what they need; only cancelling ends their wait once the barrier
/// is gone.
class Barrier {
public:
    /// *Errors*: std::invalid_argument "parties must be > 0".
    explicit Barrier(std::ptrdiff_t parties);
    Barrier(const Barrier&) = delete;
    Barrier& operator=(const Barrier&) = delete;

    /// Waits until `parties` tasks do; gives each its own number below that, in the order in which
    /// they came. Who comes while the last ones leave waits for the next round.
    ///
    /// *Errors*: BrokenBarrierError when it is aborted, or reset while this task is in it;
    /// std::runtime_error when it waits in another loop than before. *Cancellation*: the task no
    /// longer counts; the others wait on.
    /// *Python*: after a cancellation two tasks may be given the same number there.
    Task<std::size_t> wait();

    /// Makes the barrier as new; those who wait get BrokenBarrierError.
    /// *Cancellation*: before it has the barrier, nothing is done.
    Task<> reset();

    /// Breaks the barrier: those who wait, and those who come, get BrokenBarrierError until
    /// reset(). *Cancellation*: as reset().
    Task<> abort();

    std::size_t parties() const noexcept;
    /// Returns how many wait for the others to come.
    std::size_t n_waiting() const noexcept;
    bool broken() const noexcept;

    /// "<Barrier [filling, waiters:1/3]>", "<Barrier [broken]>".
    std::string repr() const;

private:
    std::shared_ptr<detail::BarrierState> state_;
};

}  // namespace ringio

template <>
struct fmt::formatter<ringio::Barrier> : ringio::detail::ReprFormatter<ringio::Barrier> {};
