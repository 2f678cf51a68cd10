// A StreamReader that is made by hand and fed.
#include <ringio/streams/stream_reader.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include "link.hpp"

#include <array>

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("StreamReader by hand: reads what it is fed, in every shape") {
    StreamReader reader;
    reader.feed_data("line\nab");
    reader.feed_data(std::array{std::byte{'c'}, std::byte{0}});
    reader.feed_data("");
    CHECK_AWAIT(reader.readline(), "line\n");
    CHECK_AWAIT(reader.readexactly(3), "abc");
    CHECK_FALSE(reader.at_eof());
    reader.feed_data("|rest");
    reader.feed_eof();
    CHECK_AWAIT(reader.readuntil("|"), std::string("\0|", 2));
    CHECK_FALSE(reader.at_eof());
    CHECK_AWAIT(reader.read(), "rest");
    CHECK(reader.at_eof());
    CHECK_AWAIT(reader.read(10), "");
}

ASYNC_TEST_CASE("StreamReader by hand: a read waits until it is fed") {
    StreamReader reader;
    auto reading = create_task(reader.readexactly(4));
    co_await turns(1);
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(reader.read(1)), "already waiting");
    reader.feed_data("ab");
    co_await turns(2);
    CHECK_FALSE(reading.done());
    reader.feed_data("cd");
    CHECK_AWAIT(reading, "abcd");
    auto last = create_task(reader.readline());
    co_await turns(1);
    reader.feed_eof();
    CHECK_AWAIT(last, "");
}

ASYNC_TEST_CASE("StreamReader by hand: a read that is cancelled loses no byte") {
    StreamReader reader;
    auto reading = create_task(reader.readexactly(4));
    co_await turns(1);
    reader.feed_data("ab");
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    reader.feed_data("cd");
    CHECK_AWAIT(reader.readexactly(4), "abcd");
}

ASYNC_TEST_CASE("StreamReader by hand: set_exception ends the read that waits, and those after") {
    StreamReader reader;
    auto reading = create_task(reader.read(10));
    co_await turns(1);
    reader.set_exception(std::make_exception_ptr(std::logic_error("of the protocol")));
    CHECK_AWAIT(text_of<std::logic_error>(reading), "of the protocol");
    CHECK_AWAIT(text_of<std::logic_error>(reader.readline()), "of the protocol");
    CHECK(reader.exception() != nullptr);
    CHECK_FALSE(reader.at_eof());
    CHECK_THROWS_AS(reader.set_exception(nullptr), std::invalid_argument);
}

ASYNC_TEST_CASE("StreamReader by hand: has a limit, and takes more than twice of it all the same") {
    StreamReader reader(4);
    reader.feed_data("0123456789\n");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(reader.readline()), "longer than limit");
    reader.feed_data("0123456789");
    CHECK_AWAIT(reader.readexactly(10), "0123456789");
    CHECK_THROWS_AS(StreamReader(0), std::invalid_argument);
}

ASYNC_TEST_CASE("StreamReader by hand: nothing comes after the end") {
    StreamReader reader;
    reader.feed_eof();
    CHECK_THROWS_WITH(reader.feed_data("x"), "feed_data after feed_eof");
    CHECK_AWAIT(reader.read(), "");
}

ASYNC_TEST_CASE("StreamReader: one that has a connection is not fed") {
    Link link = co_await make_link();
    CHECK_THROWS_WITH(link.reader.feed_data("x"),
                      Catch::Matchers::Contains("feed_data() on the stream to " + link.name()));
    CHECK_THROWS_AS(link.reader.feed_eof(), std::runtime_error);
    CHECK_THROWS_AS(link.reader.set_exception(std::make_exception_ptr(1)), std::runtime_error);
}

TEST_CASE("StreamReader by hand: needs a loop that runs") {
    CHECK_THROWS_AS(StreamReader(), std::runtime_error);
}
