// Coroutines of another library between ours: a task awaits one, and it awaits something of ours.
#include <ringio/core/awaitable.hpp>

#include <ringio/debug.hpp>
#include <ringio/io.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <coroutine>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// A lazy coroutine type that knows nothing of ringio.
class [[nodiscard]] Foreign {
public:
    struct promise_type {
        struct Final {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(
                std::coroutine_handle<promise_type> done) const noexcept {
                return done.promise().continuation;
            }
            void await_resume() const noexcept {}
        };

        Foreign get_return_object() {
            return Foreign(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        Final final_suspend() const noexcept { return {}; }
        void return_value(int result) noexcept { value = result; }
        void unhandled_exception() noexcept { exception = std::current_exception(); }

        std::coroutine_handle<> continuation;
        std::exception_ptr exception;
        int value = 0;
    };

    explicit Foreign(std::coroutine_handle<promise_type> coroutine) noexcept
        : coroutine_(coroutine) {}
    Foreign(Foreign&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    ~Foreign() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        coroutine_.promise().continuation = awaiting;
        return coroutine_;
    }
    int await_resume() const {
        if (coroutine_.promise().exception) {
            std::rethrow_exception(coroutine_.promise().exception);
        }
        return coroutine_.promise().value;
    }

private:
    std::coroutine_handle<promise_type> coroutine_;
};

struct Sockets {
    Sockets() {
        int fds[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        near = Socket(UniqueFd(fds[0]));
        far = Socket(UniqueFd(fds[1]));
    }
    Socket near;
    Socket far;
};

Foreign receive(Socket& socket) {
    char buffer[8];
    const int first = co_await socket.recv(buffer);
    const int second = co_await socket.recv(buffer);
    co_return first * 10 + second;
}

Foreign receive_deeper(Socket& socket) { co_return co_await receive(socket) + 1000; }

Task<int> inner(Socket& socket) {
    Foreign foreign = receive_deeper(socket);
    const int result = co_await foreign;
    co_await sleep(0s);
    co_return result;
}

Task<int> outer(Socket& socket) { co_return co_await inner(socket); }

std::vector<std::string> functions_of(const std::vector<std::source_location>& stack) {
    std::vector<std::string> names;
    for (const std::source_location& frame : stack) {
        names.push_back(detail::function_name(frame));
    }
    return names;
}

Foreign ask_for_graph(std::string& text) {
    text = co_await debug::format_call_graph();
    co_return 0;
}

Task<> graph_from_within(std::string& text) {
    Foreign foreign = ask_for_graph(text);
    co_await foreign;
}

Foreign get_twice(Queue<int>& queue) {
    const int first = co_await queue.get();
    const int second = co_await queue.get();
    co_return first * 10 + second;
}

}  // namespace

ASYNC_TEST_CASE(
    "foreign coroutine: what it awaits of ours goes on, and so does the task behind it") {
    Sockets sockets;
    auto task = create_task(outer(sockets.near));
    co_await turns(3);
    CHECK_FALSE(task.done());
    co_await sockets.far.send("ab");
    co_await turns(3);
    CHECK_FALSE(task.done());
    co_await sockets.far.send("abc");
    CHECK_AWAIT(task, 1023);
}

ASYNC_TEST_CASE("foreign coroutine: a wait in it that was woken in vain goes on") {
    Queue<int> queue;
    auto gets = [&queue]() -> Task<int> {
        Foreign foreign = get_twice(queue);
        const int both = co_await foreign;
        co_await sleep(0s);
        co_return both;
    };
    auto task = create_task(gets());
    co_await turns(1);
    for (int item = 1; item < 3; ++item) {
        queue.put_nowait(0);
        CHECK(queue.get_nowait() == 0);
        co_await turns(2);
        CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_getters[1]"));
        queue.put_nowait(item);
        co_await turns(1);
    }
    CHECK_AWAIT(task, 12);
}

ASYNC_TEST_CASE("foreign coroutine: the stack ends above it, in reports and graphs") {
    Sockets sockets;
    auto task = create_task(outer(sockets.near), {.name = "reader"});
    co_await turns(3);
    CHECK(functions_of(task.get_stack()) == std::vector<std::string>{"outer", "inner"});
    CHECK_THAT(debug::format_tasks(), Catch::Matchers::Contains("in inner()"));
    CHECK_THAT(debug::format_call_graph(task), Catch::Matchers::Contains("in async inner()"));
    CHECK_THAT(task.shared_state()->repr(), Catch::Matchers::Contains("wait_for=<recv>"));
    co_await sockets.far.send("a");
    co_await turns(3);
    co_await sockets.far.send("a");
    CHECK_AWAIT(task, 1011);
}

ASYNC_TEST_CASE("foreign coroutine: it may ask for the call graph, which begins above it") {
    std::string text;
    auto task = create_task(graph_from_within(text));
    co_await task;
    CHECK_THAT(text, Catch::Matchers::Contains("in async graph_from_within()"));
}

ASYNC_TEST_CASE("foreign coroutine: a cancellation reaches what it awaits") {
    Sockets sockets;
    auto task = create_task(outer(sockets.near));
    co_await turns(3);
    task.cancel();
    CHECK_AWAIT(is_cancelled(task), true);
}
