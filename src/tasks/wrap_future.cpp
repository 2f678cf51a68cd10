#include <ringio/tasks/wrap_future.hpp>

#include <ringio/core/posted_call.hpp>

#include "loop_threads.hpp"

namespace ringio::detail {

void CrossingFuture::connect(EventLoop& loop, ConcurrentStateBase& source) {
    link_ = std::make_shared<Link>(*this);
    // Made beforehand: a thread that has no memory for it could tell nobody.
    auto arrival = std::make_unique<PostedCall>([link = link_] {
        if (link->future != nullptr) {
            link->future->arrive();
        }
    });
    expected_wakeup_ = loop.expect_wakeup();
    threads_of(loop).crossing.push_back(*this);
    source.add_done_callback(
        [link = link_, arrival = std::move(arrival),
         mailbox = std::weak_ptr(loop.machine().mailbox())](ConcurrentStateBase&) mutable {
            if (link->wanted.load(std::memory_order_relaxed)) {
                post_to(mailbox, std::move(arrival));
            }
        });
}

void CrossingFuture::disconnect() noexcept {
    if (link_) {
        link_->future = nullptr;
        link_->wanted.store(false, std::memory_order_relaxed);
        link_.reset();
    }
    expected_wakeup_.reset();
    unlink();
}

LoopThreads& threads_of(EventLoop& loop) {
    return loop.machine().books().find_or_make<LoopThreads>();
}

}  // namespace ringio::detail
