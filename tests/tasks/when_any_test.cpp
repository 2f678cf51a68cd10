#include <ringio/tasks/when_any.hpp>

#include "when_children.hpp"

#include <ringio/io/socket.hpp>
#include <ringio/sync.hpp>

#include <sys/socket.h>

#include <memory>
#include <variant>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::pair<Socket, Socket> connected_pair() {
    int fds[2] = {};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    return {Socket(UniqueFd(fds[0])), Socket(UniqueFd(fds[1]))};
}

}  // namespace

ASYNC_TEST_CASE("when_any: gives index and value of the first, and cancels the others") {
    EventLog log;
    auto [index, value] = co_await when_any(logs_cancel(log, "a", 3ms, 1), give_after(1ms, 2),
                                            logs_cancel(log, "c", 2ms, 3));
    static_assert(std::is_same_v<decltype(value), int>);
    CHECK(index == 1);
    CHECK(value == 2);
    CHECK(log.joined(", ") == "a cancelled, c cancelled");
}

ASYNC_TEST_CASE("when_any: waits for those that lost") {
    EventLog log;
    std::string local = "alive";
    auto careful = [&log, &local]() -> Task<int> {
        co_await stubborn(log, local, 2, 0);
        co_return 0;
    };
    auto [index, value] = co_await when_any(careful(), give_after(1ms, 2));
    log("over");
    CHECK(index == 1);
    CHECK(log.joined(", ") == "alive cancelled, alive cleaned, over");
}

ASYNC_TEST_CASE("when_any: results of different types come as a variant") {
    const auto result = co_await when_any(sleep(1h), give_after(1ms, 2), pointer_after(1h, 3));
    static_assert(std::is_same_v<decltype(result.value),
                                 std::variant<std::monostate, int, std::unique_ptr<int>>>);
    CHECK(result.index == 1);
    CHECK(result.value.index() == 1);
    CHECK(std::get<int>(result.value) == 2);
    CHECK(result.runners_up.empty());
}

ASYNC_TEST_CASE("when_any: two of the same type among others are told apart by the index") {
    const auto result = co_await when_any(sleep(1h), sleep(1ms), give_after(1h, 2));
    CHECK(result.index == 1);
    CHECK(result.value.index() == 1);
}

ASYNC_TEST_CASE("when_any: results that cannot be copied are moved out") {
    auto [index, value] = co_await when_any(pointer_after(1h, 1), pointer_after(1ms, 2));
    CHECK(index == 1);
    CHECK(*value == 2);
}

ASYNC_TEST_CASE("when_any: a range; tasks are taken out of it") {
    std::vector<Task<int>> tasks;
    for (int value = 0; value < 5; ++value) {
        tasks.push_back(give_after(std::chrono::milliseconds(5 - value), value));
    }
    auto [index, value] = co_await when_any(tasks);
    CHECK(index == 4);
    CHECK(value == 4);
    std::vector<TaskHandle<>> handles = {create_task(yield(3)), create_task(yield(1))};
    const auto first = co_await when_any(handles);
    CHECK(first.index == 1);
    CHECK(handles[0].cancelled());
}

ASYNC_TEST_CASE("when_any: an empty range is refused") {
    std::vector<Task<int>> none;
    const std::string end = co_await told(joined(when_any(none)));
    CHECK(end == "when_any() of an empty range would never end");
}

ASYNC_TEST_CASE("when_any: of one is that one") {
    auto [index, value] = co_await when_any(give(5));
    CHECK(index == 0);
    CHECK(value == 5);
}

ASYNC_TEST_CASE("when_any: with one that is done already, the others never begin") {
    EventLog log;
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(1);
    auto ticking = create_task(tick(log, 1));
    auto result = co_await when_any(promise.get_future(), give_after(1h, 2));
    CHECK(result.index == 0);
    CHECK(log.events().empty());  // it did not even yield
    co_await ticking;
}

ASYNC_TEST_CASE("when_any: of two that could go on in the same turn, only the first does") {
    EventLog log;
    Queue<int> left;
    Queue<int> right;
    get_running_loop().call_later(1ms, [&] {
        left.put_nowait(1);
        right.put_nowait(2);
    });
    const auto result = co_await when_any(left.get(), right.get());
    CHECK(result.index == 0);
    CHECK(result.value == 1);
    CHECK(result.runners_up.empty());
    CHECK(left.qsize() == 0);
    CHECK(right.qsize() == 1);  // and the item of the other is where it was
}

ASYNC_TEST_CASE("when_any: one that ends with a value all the same is a runner-up") {
    auto result = co_await when_any(ends_with_value(1), give_after(1ms, 2), ends_with_value(3),
                                    fail_after(1h, ""));
    CHECK(result.index == 1);
    CHECK(result.value == 2);
    REQUIRE(result.runners_up.size() == 2);
    CHECK(result.runners_up[0] == std::pair<std::size_t, int>(0, 1));
    CHECK(result.runners_up[1] == std::pair<std::size_t, int>(2, 3));
}

ASYNC_TEST_CASE("when_any: the first that ends with an error decides as well") {
    EventLog log;
    const std::string end =
        co_await told(joined(when_any(logs_cancel(log, "a", 1h, 1), fail_after(1ms, "boom"))));
    CHECK(end == "boom");
    CHECK(log.joined(", ") == "a cancelled");
}

ASYNC_TEST_CASE("when_any: errors of those that lost are reported, the first one counts") {
    Reports reports;
    auto [index, value] = co_await when_any(fails_in_cleanup("late"), give_after(1ms, 2));
    CHECK(index == 1);
    CHECK(reports.messages() ==
          std::vector<std::string>{"when_any(): errors besides what it ends with"});
}

ASYNC_TEST_CASE("when_any: a child that somebody else cancelled ends it") {
    EventLog log;
    auto task = create_task(give_after(1h, 1));
    get_running_loop().call_later(1ms, [&task] { task.cancel(); });
    const std::string end = co_await told(joined(when_any(task, logs_cancel(log, "other", 1h, 2))));
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "other cancelled");
}

ASYNC_TEST_CASE("when_any: a value goes before the cancellation of a child") {
    auto task = create_task(give_after(1h, 1));
    get_running_loop().call_later(1ms, [&task] { task.cancel(); });
    auto [index, value] = co_await when_any(task, ends_with_value(2));
    CHECK(index == 1);
    CHECK(value == 2);
}

ASYNC_TEST_CASE("when_any: cancelling the task cancels all children and waits for them") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        try {
            co_await when_any(stubborn(log, "a", 1, 0), stubborn(log, "b", 3, 0));
        } catch (const CancelledError& error) {
            log("cancelled: " + error.message());
            throw;
        }
    };
    auto task = create_task(run_both());
    co_await sleep(1ms);
    task.cancel("why");
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "a cancelled, b cancelled, a cleaned, b cleaned, cancelled: why");
}

ASYNC_TEST_CASE("when_any: a value that comes in spite of a cancel is given, it strikes later") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        auto [index, value] = co_await when_any(sleep(1h, 1), ends_with_value(2));
        log(std::to_string(index) + " " + std::to_string(value));
        co_await sleep(1h);
        log("not reached");
    };
    auto task = create_task(run_both());
    co_await yield(2);
    task.cancel();
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "1 2");
}

ASYNC_TEST_CASE("when_any: a cancel that comes when the first is known leaves its value") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        auto [index, value] = co_await when_any(give_after(1ms, 1), ends_with_value(2));
        log(std::to_string(value));
        co_await sleep(1h);
    };
    auto task = create_task(run_both());
    get_running_loop().call_later(1500us, [&task] { task.cancel(); });
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "1");
}

TEST_CASE("when_any: what the kernel did for one that lost is not lost") {
    const testing::Balance balance;
    auto receive = [](const Socket& socket) -> Task<char> {
        char byte = 0;
        static_cast<void>(co_await socket.recv(std::span(&byte, 1)));
        co_return byte;
    };
    auto read_from_both = [&receive]() -> Task<> {
        auto [left, left_peer] = connected_pair();
        auto [right, right_peer] = connected_pair();
        // Both bytes come at once: the kernel has taken both when the loop looks.
        auto send_both = [&]() -> Task<> {
            REQUIRE(::send(left_peer.fd(), "a", 1, 0) == 1);
            REQUIRE(::send(right_peer.fd(), "b", 1, 0) == 1);
            co_return;
        };
        auto sending = create_task(send_both());
        const auto result = co_await when_any(receive(left), receive(right));
        CHECK(result.index == 0);
        CHECK(result.value == 'a');
        CHECK(result.runners_up == std::vector<std::pair<std::size_t, char>>{{1, 'b'}});
        co_await sending;
    };
    testing::run_virtual(read_from_both());
    CHECK(balance.difference() == "");
}

TEST_CASE("when_any: what the kernel has not done for one that lost is still there") {
    const testing::Balance balance;
    auto receive = [](const Socket& socket) -> Task<char> {
        char byte = 0;
        static_cast<void>(co_await socket.recv(std::span(&byte, 1)));
        co_return byte;
    };
    auto read_late = [&receive]() -> Task<> {
        auto [socket, peer] = connected_pair();
        const auto result = co_await when_any(sleep(1ms, 'x'), receive(socket));
        CHECK(result.value == 'x');
        CHECK(result.runners_up.empty());
        REQUIRE(::send(peer.fd(), "b", 1, 0) == 1);
        const char byte = co_await receive(socket);
        CHECK(byte == 'b');
    };
    testing::run_virtual(read_late());
    CHECK(balance.difference() == "");
}
