// What a loop has to do with threads: its default executor, and the futures that threads finish.
// Made at first use, and ended when the loop closes.
#pragma once

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/tasks/wrap_future.hpp>

#include <memory>

namespace ringio::detail {

struct LoopThreads final : EndsWithLoop {
    ~LoopThreads() override {
        while (CrossingFuture* future = crossing.front()) {
            future->forsake();
        }
    }

    std::shared_ptr<concurrent::ThreadPoolExecutor> executor;  // null: none was needed yet
    bool shutdown_called = false;
    IntrusiveList<CrossingFuture> crossing;  // not done
};

LoopThreads& threads_of(EventLoop& loop);

}  // namespace ringio::detail
