// Futures of threads that have come to some state already.
#pragma once

#include <ringio/concurrent/future.hpp>

#include <stdexcept>

namespace ringio::test_support {

inline concurrent::Future<int> with_result(int value) {
    concurrent::Promise<int> promise;
    promise.set_result(value);
    return promise.get_future();
}

inline concurrent::Future<int> with_exception() {
    concurrent::Promise<int> promise;
    promise.set_exception(std::runtime_error("boom"));
    return promise.get_future();
}

inline concurrent::Future<int> with_cancel() { return concurrent::Promise<int>().get_future(); }

}  // namespace ringio::test_support
