// expect: ringio: a Task can only be awaited in a coroutine of this library
#include <ringio/core/task.hpp>

#include <coroutine>

struct Foreign {
    struct promise_type {
        Foreign get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

ringio::Task<> work() { co_return; }

Foreign foreign() { co_await work(); }
