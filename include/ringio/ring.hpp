// L1, the kernel boundary: the only code that knows io_uring.
//
//   Completion        one request in the making and the receiver of its results
//   Ring              submit, cancel, enter, reap
//   Kernel            what answers requests: UringKernel, EpollKernel, or one of your own
//   KernelSource      which of them a loop gets: uring_kernel(), epoll_kernel(), default_kernel()
//   Waker             ends its sleep from another thread
//   BufferPool        the few hot buffers that receives of all connections share
//   Features          what the running kernel can do
//   *Request          what is asked for: plain structs that fill a submission entry
//   explain_setup_failure   why this machine refuses io_uring, and the remedy
#pragma once

#include <ringio/ring/buffer_pool.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/ring/control_requests.hpp>
#include <ringio/ring/epoll_kernel.hpp>
#include <ringio/ring/features.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/kernel.hpp>
#include <ringio/ring/kernel_source.hpp>
#include <ringio/ring/max_transfer.hpp>
#include <ringio/ring/path_requests.hpp>
#include <ringio/ring/ring.hpp>
#include <ringio/ring/setup_failure.hpp>
#include <ringio/ring/socket_requests.hpp>
#include <ringio/ring/uring_kernel.hpp>
#include <ringio/ring/waker.hpp>
