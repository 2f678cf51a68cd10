// PostedCall: what a thread hands over to the loop of another one. It is complete before anybody
// sees it, and the loop links it into its ready queue: neither the handing over nor the taking can
// fail for want of memory.
#pragma once

#include <ringio/core/handle.hpp>

namespace ringio::detail {

/// A callback on its way to a loop, with the context of the one who made it. It is in no thread's
/// books meanwhile, for one thread makes it and another one destroys it.
class PostedCall final : public Runnable, public ScheduledCallback, public Pooled {
public:
    explicit PostedCall(Callback&& callback)
        : ScheduledCallback(nullptr, callback.where()), function_(std::move(callback).function()) {
        hold(&function_, callable_table<UniqueFunction<void()>>);
        frame_pool.depart();
    }
    ~PostedCall() {
        drop();
        frame_pool.arrive();
    }

    void run() override;
    void discard() noexcept override { delete this; }
    std::string repr() const override { return describe("Handle"); }

private:
    union {
        UniqueFunction<void()> function_;  // destroyed by drop(), or after the call
    };
};

}  // namespace ringio::detail
