#include <ringio/tasks/wrap_future.hpp>

#include "loop_threads.hpp"

namespace ringio::detail {

void CrossingFuture::connect(EventLoop& loop, ConcurrentStateBase& source) {
    link_ = std::make_shared<Link>(*this);
    expected_wakeup_ = loop.expect_wakeup();
    threads_of(loop).crossing.push_back(*this);
    source.add_done_callback(
        [link = link_, services = std::weak_ptr(loop.services())](ConcurrentStateBase&) {
            if (!link->wanted.load(std::memory_order_relaxed)) {
                return;
            }
            post_to(services, [link] {
                if (link->future != nullptr) {
                    link->future->arrive();
                }
            });
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
    std::shared_ptr<void>& slot = loop.threads_slot();
    if (!slot) {
        slot = std::make_shared<LoopThreads>();
    }
    return *static_cast<LoopThreads*>(slot.get());
}

}  // namespace ringio::detail
