// The sources of kernels that the tests of the choice ask. Where RINGIO_PLANTED_FAULT names a fault
// of a choice, they choose with that fault.
#pragma once

#include <memory>

#include <ringio/ring/kernel_source.hpp>

namespace ringio::testing {

/// automatic_kernel(), or its faulty double.
KernelSource& automatic_choice();

/// default_kernel(), or its faulty double.
KernelSource& default_choice();

/// An EpollKernel, or its faulty double.
std::unique_ptr<Kernel> plain_epoll_kernel();

}  // namespace ringio::testing
