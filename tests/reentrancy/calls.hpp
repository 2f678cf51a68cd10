// Every call of the user's code in the tree, against what that code may do to whoever calls it.
//
// Each *_test.cpp of this folder has a table for a part of the tree: a row for a call, a column for
// what the code that is called does there. A cell is a test, or says why there can be none. Who
// adds a call of user code adds its row. The rule that makes the tests pass: bring the books in
// order first, take out what is to be called or destroyed, then call, then look again.
//
// What calls no user code has no row: Lock, Semaphore, Event and Barrier wake tasks through the
// ready queue, timers and the ring push on it, and the body of a task is resumed by the loop alone,
// with nothing else under way. EventLoop::close(), which destroys frames, and what other threads
// may call, have tests of their own: event_loop_close_test and the tests of concurrent/.
#pragma once

#include <ringio/testing/balance.hpp>
#include <support/async_test_case.hpp>

#include <initializer_list>
#include <string>

namespace ringio::test_support {

/// What becomes of a call whose code does one thing: a test, or the reason why that cannot be.
class Cell {
public:
    Cell(void (*test)()) noexcept : test_(test) {}
    Cell(Task<> (*test)()) noexcept : async_test_(test) {}
    Cell(const char* cannot_be) noexcept : cannot_be_(cannot_be) {}

    void check() const {
        if (async_test_ != nullptr) {
            run_async_test(async_test_);
        } else if (test_ != nullptr) {
            const testing::Balance balance;
            test_();
            CHECK(balance.difference() == "");
        } else {
            CHECK(std::string(cannot_be_) != "");
        }
    }

private:
    void (*test_)() = nullptr;
    Task<> (*async_test_)() = nullptr;
    const char* cannot_be_ = nullptr;
};

/// One call of user code.
struct Call {
    const char* code;      ///< what is called
    Cell closes;           ///< the loop, or whatever else was opened
    Cell cancels;          ///< the task or future that it belongs to, or itself
    Cell shuts_down;       ///< a queue, an executor
    Cell replaces_itself;  ///< sets, unsets or enters once more what has called it
    Cell destroys_owner;   ///< drops the last handle to what has called it
    Cell throws;
};

inline void check_calls(std::initializer_list<Call> calls) {
    for (const Call& call : calls) {
        const std::string code = call.code;
        DYNAMIC_SECTION(code + " closes") { call.closes.check(); }
        DYNAMIC_SECTION(code + " cancels") { call.cancels.check(); }
        DYNAMIC_SECTION(code + " shuts down") { call.shuts_down.check(); }
        DYNAMIC_SECTION(code + " replaces itself") { call.replaces_itself.check(); }
        DYNAMIC_SECTION(code + " destroys its owner") { call.destroys_owner.check(); }
        DYNAMIC_SECTION(code + " throws") { call.throws.check(); }
    }
}

// Reasons that hold for many.
inline constexpr const char* loop_runs = "a loop that runs is not destroyed: it aborts with a text";
inline constexpr const char* nothing_to_shut = "nothing that belongs to this call is shut down";
inline constexpr const char* nothing_to_close = "nothing that belongs to this call is closed";
inline constexpr const char* destructor = "a destructor does not throw";
inline constexpr const char* under_its_feet =
    "that would destroy the object whose member function runs, as `delete this` does";

}  // namespace ringio::test_support
