// A gate in the path of a thread: the test knows when the thread has come to it, and lets it go on.
#pragma once

#include <latch>

namespace ringio::test_support {

/// Holds one thread up. It must outlive that thread, or the call in which it passes: so it stands
/// before the pool, and behind the pool a ScopeExit that opens it, for a test that fails is to end.
class Gate {
public:
    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    /// Called by the thread: waits until the gate is open.
    void pass() {
        reached_.count_down();
        open_.wait();
    }
    void wait_until_reached() { reached_.wait(); }
    bool reached() const { return reached_.try_wait(); }
    void open() {
        if (!open_.try_wait()) {
            open_.count_down();
        }
    }

private:
    std::latch reached_{1};
    std::latch open_{1};
};

}  // namespace ringio::test_support
