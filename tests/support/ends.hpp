// How an await ended, as something that a test can compare.
#pragma once

#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ringio::test_support {

/// Awaits, and gives the text of the exception of exactly type `E` that it throws; else a text in
/// angle brackets.
template <class E, class A>
Task<std::string> text_of(A awaitable) {
    try {
        static_cast<void>(co_await std::move(awaitable));
    } catch (const E& error) {
        co_return typeid(error) == typeid(E) ? std::string(error.what()) : "<derived>";
    } catch (const std::exception& error) {
        co_return std::string("<") + typeid(error).name() + ": " + error.what() + ">";
    } catch (...) {
        co_return "<cancelled>";
    }
    co_return "<no exception>";
}

/// Awaits, and gives the errno of the std::system_error that it throws; 0 for none, -1 for another.
template <class A>
Task<int> errno_of(A awaitable) {
    try {
        static_cast<void>(co_await std::move(awaitable));
    } catch (const std::system_error& error) {
        co_return error.code().category() == std::system_category() ? error.code().value() : -1;
    } catch (...) {
        co_return -1;
    }
    co_return 0;
}

/// Says whether awaiting ends with CancelledError.
template <class A>
Task<bool> is_cancelled(A awaitable) {
    try {
        static_cast<void>(co_await std::move(awaitable));
    } catch (const CancelledError&) {
        co_return true;
    } catch (...) {
        co_return false;
    }
    co_return false;
}

/// Lets `turns` turns of the loop go by.
inline Task<> turns(int count) {
    for (int turn = 0; turn < count; ++turn) {
        co_await sleep(Delay());
    }
}

/// Collects what is reported to the running loop's exception handler, for as long as it lives.
class Reported {
public:
    Reported() : loop_(get_running_loop()) {
        loop_.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
            messages.push_back(context.message);
        });
    }
    Reported(const Reported&) = delete;
    Reported& operator=(const Reported&) = delete;
    ~Reported() { loop_.set_exception_handler({}); }

    std::vector<std::string> messages;

private:
    EventLoop& loop_;
};

}  // namespace ringio::test_support

// CHECK of an awaited value. GCC 12: a co_await inside of CHECK itself is evaluated twice.
#define CHECK_AWAIT(awaitable, ...)                \
    do {                                           \
        const auto awaited = co_await (awaitable); \
        INFO("co_await " #awaitable);              \
        CHECK(awaited == (__VA_ARGS__));           \
    } while (false)

// The same for a text that must have another one in it.
#define CHECK_AWAIT_HAS(awaitable, ...)                              \
    do {                                                             \
        const std::string awaited = co_await (awaitable);            \
        INFO("co_await " #awaitable);                                \
        CHECK_THAT(awaited, Catch::Matchers::Contains(__VA_ARGS__)); \
    } while (false)
