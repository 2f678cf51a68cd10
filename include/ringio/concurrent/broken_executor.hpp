// BrokenExecutor: what a pool throws that can do nothing any more.
#pragma once

#include <ringio/base/config.hpp>

#include <stdexcept>

namespace ringio::concurrent {

/// Thrown by a pool that failed so badly that it takes no calls any more, and by the futures of
/// those it had. *Python*: BrokenExecutor, a RuntimeError.
class RINGIO_API BrokenExecutor : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The initializer of a thread failed.
class RINGIO_API BrokenThreadPool : public BrokenExecutor {
public:
    using BrokenExecutor::BrokenExecutor;
};

/// A process of a pool ended before its time.
class RINGIO_API BrokenProcessPool : public BrokenExecutor {
public:
    using BrokenExecutor::BrokenExecutor;
};

}  // namespace ringio::concurrent
