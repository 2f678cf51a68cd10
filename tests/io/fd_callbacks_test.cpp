// loop.add_reader(), add_writer() and their removal, as asyncio has them.
#include <ringio/core/event_loop.hpp>

#include <ringio/io.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <cerrno>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::fill;
using ringio::testing::read_now;

namespace {

template <class Call>
std::string refusal_of(Call call) {
    try {
        call();
    } catch (const std::invalid_argument& error) {
        return std::string("invalid_argument: ") + error.what();
    } catch (const std::system_error& error) {
        return std::string("system_error: ") + error.what();
    } catch (const std::runtime_error& error) {
        return std::string("runtime_error: ") + error.what();
    }
    return "nothing";
}

}  // namespace

ASYNC_TEST_CASE("add_reader: the callback is called while there is something, and no longer") {
    EventLoop& loop = get_running_loop();
    const Ends line = Ends::sockets(Family::local);
    std::vector<std::string> heard;
    loop.add_reader(line.near.get(), [&] { heard.push_back(read_now(line.near.get())); });
    co_await turns(3);
    CHECK(heard.empty());
    line.write("one");
    co_await turns(5);
    CHECK(heard == std::vector<std::string>{"one"});
    line.write("two");
    co_await turns(5);
    CHECK(heard == std::vector<std::string>{"one", "two"});
    CHECK(loop.remove_reader(line.near.get()));
    line.write("three");
    co_await turns(5);
    CHECK(heard.size() == 2);
    CHECK_FALSE(loop.remove_reader(line.near.get()));
}

ASYNC_TEST_CASE("add_reader: what is not read is told again") {
    EventLoop& loop = get_running_loop();
    const Ends line = Ends::sockets(Family::local);
    int calls = 0;
    loop.add_reader(line.near.get(), [&] { ++calls; });
    line.write("x");
    co_await turns(10);
    CHECK(calls >= 3);
    CHECK(loop.remove_reader(line.near.get()));
}

ASYNC_TEST_CASE("add_reader: arguments go with it, and the caller's context") {
    EventLoop& loop = get_running_loop();
    const Ends line = Ends::sockets(Family::local);
    static ContextVar<int> number("number", 0);
    number.set(7);
    std::string seen;
    loop.add_reader(
        line.near.get(),
        [&](const std::string& text, int more) {
            seen = text + std::to_string(more) + std::to_string(number.get());
            loop.remove_reader(line.near.get());
        },
        "a", 5);
    number.set(8);
    line.write("x");
    co_await turns(5);
    CHECK(seen == "a57");
}

ASYNC_TEST_CASE("add_reader: a second one replaces the first") {
    EventLoop& loop = get_running_loop();
    const Ends line = Ends::sockets(Family::local);
    std::string log;
    auto held = std::make_shared<int>();
    loop.add_reader(line.near.get(), [&log, held] { log += "first"; });
    co_await turns(2);
    loop.add_reader(line.near.get(), [&] {
        log += "second";
        read_now(line.near.get());
    });
    CHECK(held.use_count() == 1);
    line.write("x");
    co_await turns(5);
    CHECK(log == "second");
    loop.add_reader(line.near.get(), [&] {  // from within the call of another
        loop.add_reader(line.near.get(), [&] {
            log += " inner";
            loop.remove_reader(line.near.get());
        });
    });
    line.write("y");
    co_await turns(8);
    CHECK(log == "second inner");
}

ASYNC_TEST_CASE("add_writer: beside a reader, each by itself") {
    EventLoop& loop = get_running_loop();
    const Ends line = Ends::sockets(Family::local);
    std::string log;
    fill(line.near.get());
    loop.add_reader(line.near.get(), [&] {
        log += "r";
        read_now(line.near.get());
    });
    loop.add_writer(line.near.get(), [&] {
        log += "w";
        loop.remove_writer(line.near.get());
    });
    co_await turns(4);
    CHECK(log.empty());
    line.write("x");
    co_await turns(4);
    CHECK(log == "r");
    std::string much(1 << 20, '\0');
    REQUIRE(::read(line.far.get(), much.data(), much.size()) > 0);
    co_await turns(5);
    CHECK(log == "rw");
    CHECK(loop.remove_reader(line.near.get()));
    CHECK_FALSE(loop.remove_writer(line.near.get()));
}

ASYNC_TEST_CASE("add_reader, add_writer: both are told when the other side goes") {
    EventLoop& loop = get_running_loop();
    Ends line = Ends::sockets(Family::local);
    std::multiset<char> log;  // Kernel: in no particular order
    fill(line.near.get());
    loop.add_reader(line.near.get(), [&] {
        log.insert('r');
        loop.remove_reader(line.near.get());
    });
    loop.add_writer(line.near.get(), [&] {
        log.insert('w');
        loop.remove_writer(line.near.get());
    });
    co_await turns(3);
    line.far.reset();
    co_await turns(5);
    CHECK(log == std::multiset<char>{'r', 'w'});
}

ASYNC_TEST_CASE("remove_reader: takes hold in the same turn, also for who is called already") {
    EventLoop& loop = get_running_loop();
    const Ends first = Ends::sockets(Family::local);
    const Ends second = Ends::sockets(Family::local);
    int calls = 0;
    for (const Ends* const line : {&first, &second}) {
        loop.add_reader(line->near.get(), [&] {
            ++calls;
            loop.remove_reader(first.near.get());
            loop.remove_reader(second.near.get());
        });
    }
    co_await turns(2);
    first.write("x");
    second.write("x");
    co_await turns(5);
    CHECK(calls == 1);
}

ASYNC_TEST_CASE(
    "remove_reader: the descriptor may be closed at once, and its number be another's") {
    EventLoop& loop = get_running_loop();
    for (const int before : {0, 3}) {  // not handed over, in the kernel
        Ends line = Ends::sockets(Family::local);
        bool called = false;
        const int number = line.near.get();
        loop.add_reader(number, [&] { called = true; });
        co_await turns(before);
        CHECK(loop.remove_reader(number));
        line.near.reset();
        const UniqueFd stranger(::eventfd(1, EFD_CLOEXEC));
        REQUIRE(stranger.get() == number);
        co_await turns(4);
        CHECK_FALSE(called);
        char byte = 0;
        CHECK(::read(line.far.get(), &byte, 1) == 0);  // the peer has heard of it
    }
}

ASYNC_TEST_CASE("add_reader: what the callback throws is reported, and it stays") {
    EventLoop& loop = get_running_loop();
    Reported reported;
    const Ends line = Ends::sockets(Family::local);
    loop.add_reader(line.near.get(), [&] {
        read_now(line.near.get());
        throw std::runtime_error("boom");
    });
    line.write("x");
    co_await turns(4);
    line.write("y");
    co_await turns(4);
    REQUIRE(reported.messages.size() == 2);
    CHECK_THAT(reported.messages.front(), Catch::Matchers::Contains("Exception in callback"));
    CHECK(loop.remove_reader(line.near.get()));
}

ASYNC_TEST_CASE("add_reader: what cannot be waited for is refused, and nothing is kept") {
    EventLoop& loop = get_running_loop();
    const auto nothing = [] {};
    CHECK(refusal_of([&] { loop.add_reader(-1, nothing); }) ==
          "invalid_argument: Invalid file descriptor: -1");
    CHECK(refusal_of([&] { loop.add_writer(4'000'000, nothing); }) ==
          "system_error: file descriptor 4000000 cannot be waited for: Bad file descriptor");
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK(refusal_of([&] { loop.add_reader(file.get(), nothing); }) ==
          "system_error: file descriptor " + std::to_string(file.get()) +
              " cannot be waited for: Operation not permitted");
    const Ends line = Ends::sockets(Family::local);
    CHECK_THAT(refusal_of([&] { loop.add_reader(line.near.get(), nullptr); }),
               Catch::Matchers::Contains("callback is null"));
    CHECK_FALSE(loop.remove_reader(file.get()));
    CHECK_FALSE(loop.remove_reader(line.near.get()));
    CHECK_FALSE(loop.remove_writer(-1));
    co_return;
}

ASYNC_TEST_CASE("add_reader: a descriptor that a stream reads from is refused while it does") {
    EventLoop& loop = get_running_loop();
    const RawSocket listener = RawSocket::listening();
    const RawSocket peer = RawSocket::connected(listener.port());
    int number = -1;
    {
        SocketReceiver receiver{Socket(UniqueFd(::dup(listener.accept().fd())))};
        number = receiver.socket().fd();
        CHECK(refusal_of([&] { loop.add_reader(number, [] {}); }) ==
              "runtime_error: File descriptor " + std::to_string(number) +
                  " is used by a stream of this loop");
        CHECK_THAT(refusal_of([&] { loop.add_writer(number, [] {}); }),
                   Catch::Matchers::Contains("is used by a stream"));
    }
    co_await turns(3);
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    const UniqueFd next(::fcntl(event.get(), F_DUPFD_CLOEXEC, number));
    REQUIRE(next.get() == number);
    CHECK(refusal_of([&] { loop.add_reader(number, [] {}); }) == "nothing");
    CHECK(loop.remove_reader(number));
    co_await turns(2);
}

ASYNC_TEST_CASE("add_reader: closed without a word, debug mode says so and lets go") {
    EventLoop& loop = get_running_loop();
    loop.set_debug(true);
    Reported reported;
    Ends line = Ends::sockets(Family::local);
    const int number = line.near.get();
    bool called = false;
    loop.add_reader(number, [&] { called = true; });
    co_await turns(3);
    line.near.reset();
    const UniqueFd stranger(::eventfd(0, EFD_CLOEXEC));
    REQUIRE(stranger.get() == number);
    line.far.reset();
    co_await turns(5);
    CHECK_FALSE(called);
    // Kernel: a set of epoll forgets a file that is closed, and its callback never hears of it.
    const std::size_t reports = loop.kernel_name() == "epoll" ? 0 : 1;
    CHECK(reported.messages ==
          std::vector<std::string>(reports,
                                   "A descriptor was closed before its callback was removed"));
    loop.remove_reader(number);
    loop.set_debug(false);
}

TEST_CASE("add_reader: before the loop runs, after it is closed, and at its end") {
    const Ends line = Ends::sockets(Family::local);
    auto held = std::make_shared<int>();
    std::string heard;
    {
        EventLoop loop;
        loop.add_reader(line.near.get(), [&, held] {
            heard += read_now(line.near.get());
            loop.stop();
        });
        line.write("x");
        loop.run_forever();
        CHECK(heard == "x");
        loop.add_writer(line.near.get(), [held] {});  // never called
        loop.close();
        CHECK(held.use_count() == 1);
        CHECK_FALSE(loop.remove_reader(line.near.get()));
        CHECK_THAT(refusal_of([&] { loop.add_reader(line.near.get(), [] {}); }),
                   Catch::Matchers::Contains("Event loop is closed"));
    }
    {
        EventLoop loop;  // which never runs
        loop.add_reader(line.near.get(), [held] {});
    }
    CHECK(held.use_count() == 1);
}
