// expect: ringio: the result of this future cannot be copied
#include <ringio/core/run_until_complete.hpp>

#include <memory>

void start(ringio::EventLoop& loop, ringio::Future<std::unique_ptr<int>>& future) {
    auto result = loop.run_until_complete(future);
}
