// PostedCall: what a thread hands over to the loop of another one. It is complete before anybody
// sees it, and the loop links it into its ready queue: neither the handing over nor the taking can
// fail for want of memory.
#pragma once

#include <ringio/core/handle.hpp>

#include <memory>

namespace ringio::detail {

struct LoopServices;

/// A callback on its way to a loop, with the context of the one who made it. It is in no thread's
/// books meanwhile, for one thread makes it and another one destroys it.
class PostedCall final : public Runnable, public ScheduledCallback, public Pooled {
public:
    explicit PostedCall(Callback&& callback) : ScheduledCallback(std::move(callback)) {
        frame_pool.depart();
    }
    PostedCall(const PostedCall&) = delete;
    PostedCall& operator=(const PostedCall&) = delete;
    ~PostedCall() { frame_pool.arrive(); }

    void run() override;
    void discard() noexcept override { delete this; }
    std::string repr() const override { return describe("Handle"); }
};

/// Queues a call from any thread, as call_soon_threadsafe() does, on a loop that may be gone.
/// False, with the call destroyed here, when it is closed.
bool post_to(const std::weak_ptr<LoopServices>& services,
             std::unique_ptr<PostedCall> call) noexcept;

}  // namespace ringio::detail
