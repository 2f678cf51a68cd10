#include <ringio/streams/stream_reader.hpp>

#include "link.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

/// Reads until one of the separators; a limit that is overrun is told as "overrun <consumed>".
Task<std::string> until(StreamReader reader, std::string first, std::string second = "\n",
                        std::string third = "\n") {
    Texts separators;
    separators.push_back(std::move(first));
    separators.push_back(std::move(second));
    separators.push_back(std::move(third));
    try {
        co_return co_await reader.readuntil(std::move(separators));
    } catch (const LimitOverrunError& error) {
        co_return "overrun " + std::to_string(error.consumed()) + " " + error.what();
    } catch (const IncompleteReadError& error) {
        co_return "incomplete " + error.partial();
    }
}

Task<std::string> partial_of(Task<std::string> read) {
    try {
        co_return "complete " + co_await std::move(read);
    } catch (const IncompleteReadError& error) {
        co_return error.partial();
    }
}

}  // namespace

ASYNC_TEST_CASE(
    "StreamReader: read gives what is there, up to n bytes, and nothing only at the end") {
    Link link = co_await make_link();
    link.peer.send("hello");
    CHECK_AWAIT(link.reader.read(2), "he");
    CHECK_AWAIT(link.reader.read(100), "llo");
    CHECK_FALSE(link.reader.at_eof());
    link.peer.shutdown_write();
    CHECK_AWAIT(link.reader.read(100), "");
    CHECK(link.reader.at_eof());
    CHECK_AWAIT(link.reader.read(100), "");
}

ASYNC_TEST_CASE("StreamReader: read of 0 bytes is empty at once") {
    Link link = co_await make_link();
    CHECK_AWAIT(link.reader.read(0), "");
    CHECK_FALSE(link.reader.at_eof());
}

ASYNC_TEST_CASE("StreamReader: read without a size goes on to the end, beyond the limit") {
    Link link = co_await make_link(10);
    const std::string text(100'000, 'x');
    link.peer.send(text);
    link.peer.shutdown_write();
    const std::string all = co_await link.reader.read();
    CHECK(all == text);
    CHECK_AWAIT(link.reader.read(), "");
    CHECK(link.reader.at_eof());
}

ASYNC_TEST_CASE(
    "StreamReader: read is lazy, may be kept, and stands for a Task where one is asked for") {
    Link link = co_await make_link();
    link.peer.send("onetwo");
    const auto first = link.reader.read(3);
    Task<std::string> second = link.reader.read(3);
    CHECK_AWAIT(first, "one");
    CHECK_AWAIT(second, "two");
    auto [third, fourth] = co_await gather(link.reader.read(0), as_outcome(link.reader.read(0)));
    CHECK(third.empty());
    CHECK(fourth.has_value());
}

ASYNC_TEST_CASE("StreamReader: read waits until something comes") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.read(100));
    co_await sleep(1ms);
    CHECK_FALSE(reading.done());
    link.peer.send("late");
    CHECK_AWAIT(reading, "late");
}

ASYNC_TEST_CASE("StreamReader: read fills memory of the caller, from the buffer first") {
    Link link = co_await make_link();
    link.peer.send("one\ntwo");
    CHECK_AWAIT(link.reader.readline(), "one\n");
    char memory[8] = {};
    CHECK_AWAIT(link.reader.read(std::span<char>(memory, 2)), 2);
    CHECK(std::string(memory, 2) == "tw");
    CHECK_AWAIT(link.reader.read(std::span<char>(memory)), 1);
    link.peer.send("three");
    CHECK_AWAIT(link.reader.read(std::span<char>(memory)), 5);
    CHECK(std::string(memory, 5) == "three");
    CHECK_AWAIT(link.reader.read(std::span<char>()), 0);
    CHECK_FALSE(link.reader.at_eof());
    link.peer.shutdown_write();
    CHECK_AWAIT(link.reader.read(std::span<char>(memory)), 0);
    CHECK(link.reader.at_eof());
}

ASYNC_TEST_CASE("StreamReader: readexactly gathers n bytes, beyond the limit too") {
    Link link = co_await make_link(4);
    link.peer.send("0123456789abc");
    CHECK_AWAIT(link.reader.readexactly(10), "0123456789");
    CHECK_AWAIT(link.reader.readexactly(0), "");
    auto reading = create_task(link.reader.readexactly(6));
    co_await sleep(1ms);
    CHECK_FALSE(reading.done());
    link.peer.send("def");
    CHECK_AWAIT(reading, "abcdef");
}

ASYNC_TEST_CASE(
    "StreamReader: readexactly at the end tells what came, and the buffer is empty then") {
    Link link = co_await make_link();
    link.peer.send("abc");
    link.peer.shutdown_write();
    CHECK_AWAIT(text_of<IncompleteReadError>(link.reader.readexactly(5)),
                "3 bytes read on a total of 5 expected bytes");
    CHECK(link.reader.at_eof());
    CHECK_AWAIT(partial_of(link.reader.readexactly(5)), "");
}

ASYNC_TEST_CASE("StreamReader: the partial bytes of readexactly are in the exception") {
    Link link = co_await make_link();
    link.peer.send("abc");
    link.peer.shutdown_write();
    CHECK_AWAIT(partial_of(link.reader.readexactly(5)), "abc");
}

TEST_CASE("StreamReader: a negative readexactly is a std::invalid_argument") {
    testing::run_virtual([]() -> Task<> {
        Link link = co_await make_link();
        CHECK_THROWS_AS(link.reader.readexactly(-1), std::invalid_argument);
        CHECK_THROWS_WITH(link.reader.readexactly(-1),
                          "readexactly size can not be less than zero");
    }());
}

ASYNC_TEST_CASE("StreamReader: readexactly fills memory of the caller, or takes nothing") {
    Link link = co_await make_link();
    char memory[4] = {};
    link.peer.send("abcd12");
    co_await link.reader.readexactly(std::span<char>(memory));
    CHECK(std::string(memory, 4) == "abcd");
    link.peer.shutdown_write();
    CHECK_AWAIT(text_of<IncompleteReadError>(link.reader.readexactly(std::span<char>(memory))),
                "2 bytes read on a total of 4 expected bytes");
}

ASYNC_TEST_CASE("StreamReader: readexactly into no memory is done at once, before anything came") {
    Link link = co_await make_link();
    co_await link.reader.readexactly(std::span<char>());
    CHECK_FALSE(link.reader.at_eof());
}

ASYNC_TEST_CASE("StreamReader: readuntil gives the text with its separator") {
    Link link = co_await make_link();
    link.peer.send("a\r\nbb\r\nrest");
    CHECK_AWAIT(link.reader.readuntil("\r\n"), "a\r\n");
    CHECK_AWAIT(link.reader.readuntil("\r\n"), "bb\r\n");
    CHECK_AWAIT(link.reader.read(10), "rest");
}

ASYNC_TEST_CASE("StreamReader: readuntil finds a separator that comes in pieces") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.readuntil("ABCD"));
    for (const char* piece : {"xxAB", "CAB", "CD", "y"}) {
        link.peer.send(piece);
        co_await sleep(1ms);
    }
    CHECK_AWAIT(reading, "xxABCABCD");
    CHECK_AWAIT(link.reader.read(10), "y");
}

ASYNC_TEST_CASE("StreamReader: of several separators the match that ends first counts") {
    Link link = co_await make_link();
    link.peer.send("a;b,c\r\nd");
    CHECK_AWAIT(until(link.reader, "\r\n", ",", ";"), "a;");
    CHECK_AWAIT(until(link.reader, "\r\n", ",", ";"), "b,");
    CHECK_AWAIT(until(link.reader, "\r\n", ",", ";"), "c\r\n");
    link.peer.send("--ab!");
    CHECK_AWAIT(until(link.reader, "--ab!", "ab"), "d--ab");
    link.peer.shutdown_write();
    CHECK_AWAIT(until(link.reader, "x", "yy"), "incomplete !");
    CHECK_AWAIT(until(link.reader, "x", "yy"), "incomplete ");
}

ASYNC_TEST_CASE(
    "StreamReader: the limit counts from the start of the shortest match, in any order") {
    // CPython 3.13 sorts the separators by length: of matches with one end the last start counts.
    Link link = co_await make_link(3);
    link.peer.send("aaab|cccc|");
    CHECK_AWAIT(until(link.reader, "|", "b|"),
                "overrun 4 Separator is found, but chunk is longer than limit");
    CHECK_AWAIT(until(link.reader, "b|", "|"),
                "overrun 4 Separator is found, but chunk is longer than limit");
}

ASYNC_TEST_CASE("StreamReader: an empty separator, or none at all, is a std::invalid_argument") {
    Link link = co_await make_link();
    const Texts none;
    const Texts one_empty = {"a", ""};
    CHECK_AWAIT(text_of<std::invalid_argument>(link.reader.readuntil(std::string())),
                "Separator should be at least one-byte string");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(link.reader.readuntil(none)), "Separator");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(link.reader.readuntil(one_empty)), "Separator");
}

ASYNC_TEST_CASE(
    "StreamReader: readuntil over the limit leaves the data and tells how much it saw") {
    Link link = co_await make_link(4);
    link.peer.send("12345678");
    CHECK_AWAIT(until(link.reader, "\n"),
                "overrun 8 Separator is not found, and chunk exceed the limit");
    link.peer.send("\n");
    co_await sleep(1ms);
    CHECK_AWAIT(link.reader.readexactly(8), "12345678");
    CHECK_AWAIT(link.reader.readuntil(), "\n");
}

ASYNC_TEST_CASE("StreamReader: a separator behind the limit is an overrun, and the data stays") {
    Link link = co_await make_link(4);
    link.peer.send("12345\nab\n");
    CHECK_AWAIT(until(link.reader, "\n"),
                "overrun 5 Separator is found, but chunk is longer than limit");
    CHECK_AWAIT(link.reader.readexactly(6), "12345\n");
    CHECK_AWAIT(link.reader.readuntil(), "ab\n");
}

ASYNC_TEST_CASE("StreamReader: a text as long as the limit is within it") {
    Link link = co_await make_link(4);
    link.peer.send("1234\n");
    CHECK_AWAIT(link.reader.readline(), "1234\n");
}

ASYNC_TEST_CASE("StreamReader: readuntil at the end has what came in the exception") {
    Link link = co_await make_link();
    link.peer.send("no end");
    link.peer.shutdown_write();
    CHECK_AWAIT(partial_of(link.reader.readuntil("|")), "no end");
    CHECK(link.reader.at_eof());
    CHECK_AWAIT(text_of<IncompleteReadError>(link.reader.readuntil("|")),
                "0 bytes read on a total of undefined expected bytes");
}

ASYNC_TEST_CASE("StreamReader: readline gives lines, the last one without its end, then nothing") {
    Link link = co_await make_link();
    link.peer.send("one\n\ntwo\nlast");
    link.peer.shutdown_write();
    Texts lines;
    for (std::string line = co_await link.reader.readline(); !line.empty();) {
        lines.push_back(line);
        line = co_await link.reader.readline();
    }
    CHECK(lines == Texts{"one\n", "\n", "two\n", "last"});
    CHECK(link.reader.at_eof());
}

ASYNC_TEST_CASE("StreamReader: readline drops a line beyond the limit whose end is there") {
    Link link = co_await make_link(4);
    link.peer.send("123456\nok\n");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(link.reader.readline()),
                    "Separator is found, but chunk is longer than limit");
    CHECK_AWAIT(link.reader.readline(), "ok\n");
}

ASYNC_TEST_CASE("StreamReader: readline beyond the limit drops all there is when no end is there") {
    Link link = co_await make_link(4);
    link.peer.send("12345678");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(link.reader.readline()),
                    "Separator is not found, and chunk exceed the limit");
    link.peer.send("9\nok\n");
    CHECK_AWAIT(link.reader.readline(), "9\n");
    CHECK_AWAIT(link.reader.readline(), "ok\n");
}

ASYNC_TEST_CASE("StreamReader: a second coroutine that waits for data is a std::runtime_error") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.readline());
    co_await turns(1);
    const std::string rest =
        "() called while another coroutine is already waiting for incoming data";
    CHECK_AWAIT(text_of<std::runtime_error>(link.reader.read(1)), "read" + rest);
    CHECK_AWAIT(text_of<std::runtime_error>(link.reader.readline()), "readline" + rest);
    CHECK_AWAIT(text_of<std::runtime_error>(link.reader.readexactly(3)), "readexactly" + rest);
    CHECK_AWAIT(text_of<std::runtime_error>(link.reader.readuntil()), "readuntil" + rest);
    link.peer.send("fine\n");
    CHECK_AWAIT(reading, "fine\n");
}

ASYNC_TEST_CASE("StreamReader: bytes that were read once are there once: 1 MiB in odd pieces") {
    Link link = co_await make_link();
    std::string text(1 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i * 7 + (i >> 9));
    }
    std::string got;
    for (std::size_t sent = 0, piece = 1; sent < text.size(); sent += piece) {
        piece = std::min<std::size_t>(text.size() - sent, piece * 3 % 60'000 + 1);
        link.peer.send(std::string_view(text).substr(sent, piece));
        got += co_await link.reader.readexactly(static_cast<std::ptrdiff_t>(piece / 2));
        got += co_await link.reader.readexactly(static_cast<std::ptrdiff_t>(piece - piece / 2));
    }
    CHECK((got == text));
}

ASYNC_TEST_CASE("StreamReader: copies read from the same connection") {
    Link link = co_await make_link();
    StreamReader other = link.reader;
    link.peer.send("ab");
    CHECK_AWAIT(link.reader.read(1), "a");
    CHECK_AWAIT(other.read(1), "b");
}
