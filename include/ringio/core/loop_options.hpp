// What an event loop is told when it is made, and what it tells: options, reports, numbers.
#pragma once

#include <ringio/ring/kernel_source.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringio {

/// What the exception handler is told; the context dict of asyncio.
struct ExceptionContext {
    std::string message;           ///< what happened, e.g. "Task exception was never retrieved"
    std::exception_ptr exception;  ///< null when there was none
    /// Further facts, such as {"future", "<Task finished …>"}, in the order to print them.
    std::vector<std::pair<std::string, std::string>> details;
};

/// How a loop is set up.
struct LoopOptions {
    unsigned ring_entries = 256;     ///< size of the submission queue; any size works
    std::optional<bool> debug = {};  ///< unset: the environment variable RINGIO_DEBUG
    bool virtual_time = false;       ///< time() jumps to the next deadline instead of waiting
    /// Set: what is ready in one turn runs in an order drawn from this seed, which is printed;
    /// unset: the environment variable RINGIO_SHUFFLE. For tests of code that must not depend on
    /// it.
    std::optional<std::uint64_t> shuffle_seed = {};
    /// Whether sends of several sockets in a turn leave together, with the next entry into the
    /// kernel; unset: the environment variable RINGIO_SEND_TOGETHER (1 or 0), else whether a system
    /// call is dear on this machine, which is measured once.
    std::optional<bool> send_together = {};
    /// What answers the loop's requests: &uring_kernel(), &epoll_kernel(), one of your own. Null:
    /// what the environment variable RINGIO_KERNEL says, else io_uring where it may be used, and
    /// epoll where not.
    KernelSource* kernel = nullptr;
};

/// Numbers that must all be 0 when a loop is closed.
struct LoopStatistics {
    std::size_t tasks = 0;       ///< tasks that are not done
    std::size_t operations = 0;  ///< kernel requests in flight
    std::size_t timers = 0;      ///< armed timers
    std::size_t buffers = 0;     ///< buffers of the ring that somebody has borrowed
};

}  // namespace ringio
