// StopFlag: tells a call in a worker thread that nobody waits for it any more.
#pragma once

#include <atomic>
#include <memory>

namespace ringio::detail {

/// What the thread looks at.
using Stop = std::shared_ptr<const std::atomic<bool>>;

/// What the one who waits has: it is set when he goes, whichever way.
class StopFlag {
public:
    StopFlag() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
    StopFlag(const StopFlag&) = delete;
    StopFlag& operator=(const StopFlag&) = delete;
    ~StopFlag() { flag_->store(true, std::memory_order_relaxed); }

    Stop stop() const noexcept { return flag_; }

private:
    std::shared_ptr<std::atomic<bool>> flag_;
};

inline bool is_stopped(const Stop& stop) noexcept { return stop->load(std::memory_order_relaxed); }

}  // namespace ringio::detail
