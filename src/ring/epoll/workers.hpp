// Workers: the threads of one kernel for what may block: files that are not in the page cache, and
// what is done to them.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/ring/waker.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "request_table.hpp"

namespace ringio::detail {

class Workers {
public:
    static constexpr std::size_t most = 4;

    /// `waker`: told when something is done.
    explicit Workers(Waker& waker) noexcept : waker_(waker) {}
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Waits for what has begun; what has not is left in its list.
    ~Workers();

    /// Has a request answered by a thread, or here when there can be none.
    void submit(WaitingRequest& request) noexcept;

    /// Takes back a request that no thread has begun; false: too late.
    bool withdraw(WaitingRequest& request) noexcept;

    /// Moves those that are done, with their results, to a list.
    void collect(IntrusiveList<WaitingRequest>& done) noexcept;

private:
    bool start_thread() noexcept;
    void work() noexcept;

    Waker& waker_;
    std::mutex mutex_;
    std::condition_variable wakeup_;
    // Under the mutex:
    IntrusiveList<WaitingRequest> queued_;
    IntrusiveList<WaitingRequest> done_;
    std::size_t idle_ = 0;
    bool ending_ = false;
    // On the kernel's thread:
    std::vector<std::thread> threads_;
};

}  // namespace ringio::detail
