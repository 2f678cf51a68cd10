#include <ringio/core/promise.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <ringio/core.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;

TEST_CASE("promise: the result is made in place of the arguments") {
    EventLoop loop;
    Promise<std::string> text = loop.create_future<std::string>();
    text.set_result(std::size_t{3}, 'x');
    CHECK(text.get_future().result() == "xxx");
    Promise<std::pair<int, int>> pair = loop.create_future<std::pair<int, int>>();
    pair.set_result(1, 2);
    CHECK(pair.get_future().result() == std::pair(1, 2));
    Promise<> nothing = loop.create_future();
    nothing.set_result();
    nothing.get_future().result();
    CHECK(nothing.done());
}

TEST_CASE("promise: a second result of any kind is refused, the first one stays") {
    EventLoop loop;
    const auto refuses_all = [](Promise<int> promise) {
        CHECK_THROWS_AS(promise.set_result(2), InvalidStateError);
        CHECK_THROWS_AS(promise.set_exception(std::runtime_error("second")), InvalidStateError);
        CHECK_FALSE(promise.get_future().cancel());
    };
    Promise<int> value = loop.create_future<int>();
    value.set_result(1);
    refuses_all(value);
    CHECK(value.get_future().result() == 1);
    CHECK(thrown<InvalidStateError>([&] { value.set_result(2); }) ==
          "the future is done already: <Future finished result=1>");

    Promise<int> failed = loop.create_future<int>();
    failed.set_exception(std::runtime_error("first"));
    refuses_all(failed);
    CHECK(thrown<std::runtime_error>([&] { static_cast<void>(failed.get_future().result()); }) ==
          "first");

    Promise<int> cancelled = loop.create_future<int>();
    CHECK(cancelled.get_future().cancel());
    refuses_all(cancelled);
    CHECK(cancelled.cancelled());
}

TEST_CASE("promise: a refused value is not lost") {
    EventLoop loop;
    Promise<std::unique_ptr<int>> promise = loop.create_future<std::unique_ptr<int>>();
    promise.get_future().cancel();
    auto value = std::make_unique<int>(1);
    CHECK_THROWS_AS(promise.set_result(std::move(value)), InvalidStateError);
    CHECK(value != nullptr);
}

TEST_CASE("promise: an exception is given as an object or as a pointer, never as null") {
    EventLoop loop;
    Promise<int> object = loop.create_future<int>();
    object.set_exception(std::out_of_range("object"));
    CHECK_THROWS_AS(object.get_future().result(), std::out_of_range);
    Promise<int> pointer = loop.create_future<int>();
    pointer.set_exception(std::make_exception_ptr(5));
    CHECK_THROWS_AS(pointer.get_future().result(), int);
    Promise<int> null = loop.create_future<int>();
    CHECK_THROWS_AS(null.set_exception(std::exception_ptr()), std::invalid_argument);
    CHECK_FALSE(null.done());
}

TEST_CASE("promise: copies set the same future") {
    EventLoop loop;
    Promise<int> promise = loop.create_future<int>();
    Promise<int> copy = promise;
    CHECK(copy.get_future() == promise.get_future());
    copy.set_result(3);
    CHECK(promise.done());
    CHECK(promise.get_future().result() == 3);
}

TEST_CASE("promise: its future belongs to the loop that made it") {
    EventLoop loop;
    CHECK(&loop.create_future().get_future().get_loop() == &loop);
}

TEST_CASE("promise: works after its loop is gone") {
    const testing::Balance balance;
    {
        Promise<int> promise;
        {
            EventLoop loop;
            promise = loop.create_future<int>();
        }
        promise.set_result(1);
        CHECK(promise.get_future().result() == 1);
    }
    CHECK(balance.difference() == "");
}
