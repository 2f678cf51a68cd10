// What lets a test fail that would hang.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include <support/catch.hpp>

#include "faults/planted_fault.hpp"

namespace ringio::testing {

/// Does, on another thread, what a kernel waits for that must not wait; that it was necessary is a
/// failure.
class Rescue {
public:
    explicit Rescue(std::function<void()> act)
        : thread_([this, act = std::move(act)] { act_when_late(act); }) {}
    Rescue(const Rescue&) = delete;
    Rescue& operator=(const Rescue&) = delete;
    ~Rescue() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        over_now_.notify_one();
        thread_.join();
        CHECK_FALSE(acted_);
    }

private:
    void act_when_late(const std::function<void()>& act) {
        std::unique_lock lock(mutex_);
        if (!over_now_.wait_for(lock, patience(), [this] { return over_; })) {
            acted_ = true;
            act();
        }
    }

    std::mutex mutex_;
    std::condition_variable over_now_;
    bool over_ = false;
    bool acted_ = false;
    std::thread thread_;  // last: it begins when the others are there
};

}  // namespace ringio::testing
