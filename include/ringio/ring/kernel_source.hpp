// KernelSource: who makes the kernel of an event loop, and which one it becomes where nobody says.
#pragma once

#include <ringio/ring/kernel.hpp>

#include <memory>

namespace ringio {

/// Makes the kernel of each event loop that was told to use it (LoopOptions::kernel).
/// *Lifetime*: must outlive the loops' first run.
class KernelSource {
public:
    KernelSource() = default;
    KernelSource(const KernelSource&) = delete;
    KernelSource& operator=(const KernelSource&) = delete;

    /// `entries`: of the submission queue, not 0. *Errors*: std::system_error with cause and
    /// remedy.
    virtual std::unique_ptr<Kernel> make(unsigned entries) = 0;

protected:
    ~KernelSource() = default;
};

/// io_uring, or an error that says what stands in its way.
KernelSource& uring_kernel() noexcept;

/// The same, with rings that allow no operation but those that ringio asks for: for programs that
/// want to have less to fear from what is put into their memory.
KernelSource& restricted_uring_kernel() noexcept;

/// epoll. Makes no system call of io_uring.
KernelSource& epoll_kernel() noexcept;

/// io_uring where it may be used and can do enough; epoll where the machine forbids it or has none,
/// which Kernel::remark() then explains. Want of memory or descriptors is an error all the same,
/// and a filter that kills does not kill: where there is one, a child process asks first.
KernelSource& automatic_kernel() noexcept;

/// What the environment variable RINGIO_KERNEL names: "uring", "epoll" or "auto", as when it is
/// unset or empty. *Errors*, of make(): std::invalid_argument for another value.
KernelSource& default_kernel() noexcept;

}  // namespace ringio
