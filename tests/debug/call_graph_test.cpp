// Call graphs. The first cases are those of CPython's test_graph, under their names there.
#include <ringio/debug/call_graph.hpp>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <ringio/core/task_tree.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using debug::CallGraphEnd;
using debug::FutureCallGraph;

namespace {

/// "T<name>[newest oldest](awaited by …)"; F for a future; a name that was not chosen is "anon",
/// the body of the test case is "test".
std::string shape(const FutureCallGraph& graph) {
    std::string text = "F";
    const auto& state = graph.future.shared_state();
    if (const auto* task = dynamic_cast<const detail::TaskStateBase*>(state.get())) {
        const std::string name = task->name();
        text = "T<" + (name.find('-') == std::string::npos ? name : "anon") + ">";
    }
    text += "[";
    for (const debug::FrameCallGraphEntry& entry : graph.call_stack) {
        const std::string function = entry.function();
        text += text.back() == '[' ? "" : " ";
        text += function.starts_with("async_test_body") ? "test" : function;
    }
    text += "]";
    if (graph.end != CallGraphEnd::none) {
        text += graph.end == CallGraphEnd::circle ? "circle" : "cut";
    }
    if (!graph.awaited_by.empty()) {
        text += "(";
        for (const FutureCallGraph& awaiting : graph.awaited_by) {
            text += (text.back() == '(' ? "" : " ") + shape(awaiting);
        }
        text += ")";
    }
    return text;
}

Task<> capture(std::string& into) {
    const FutureCallGraph graph = co_await debug::capture_call_graph();
    into = shape(graph);
}

Task<> deep(std::string& into) {
    co_await sleep(0s);
    co_await capture(into);
}

Task<> yields() { co_await sleep(0s); }
Task<> calls_deep(std::string& into) { co_await deep(into); }
Task<> await_task(TaskHandle<> task) { co_await task; }
Task<> await_future(Future<> future) { co_await future; }
Task<> calls_await_future(Future<> future) { co_await await_future(future); }
Task<> await_any(AnyFuture future) { co_await future; }

Task<> deep_with_timeout(std::string& into) {
    auto body = [&]() -> Task<> { co_await deep(into); };
    co_await timeout(1s, body);
}

/// What `print` writes to the file that it is given.
template <class Print>
std::string written(Print&& print) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* const file = ::open_memstream(&text, &size);
    REQUIRE(file != nullptr);
    print(file);
    std::fclose(file);
    const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
    return std::string(text, size);
}

/// The text with each "id=0x…" made "id=X", and each line number "line N".
std::string without_numbers(const std::string& text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        result += text[i];
        if (result.ends_with("id=0x") || result.ends_with(", line ")) {
            result.erase(result.ends_with("0x") ? result.size() - 2 : result.size());
            result += result.ends_with("id=") ? "X" : "N";
            while (i + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1]))) {
                ++i;
            }
        }
    }
    return result;
}

}  // namespace

ASYNC_TEST_CASE("call graph: stack_tgroup") {
    std::string seen;
    auto body = [&](TaskGroup& group) -> Task<> {
        TaskHandle<> task = group.create_task(calls_deep(seen), {.name = "c2_root"});
        group.create_task(await_task(task), {.name = "sub_main_1"});
        group.create_task(await_task(task), {.name = "sub_main_2"});
        co_return;
    };
    co_await task_group(body);
    const std::string main = "T<anon>[leave run_task_group test]";
    CHECK(seen == "T<c2_root>[capture deep calls_deep](" + main + " T<sub_main_1>[await_task](" +
                      main + ") T<sub_main_2>[await_task](" + main + "))");
}

ASYNC_TEST_CASE("call graph: stack_async_gen") {
    std::string seen;
    auto generate = [&]() -> AsyncGenerator<int> {
        co_yield 0;
        co_yield 1;
        co_await capture(seen);
    };
    auto numbers = generate();
    for (int i = 0; i < 2; ++i) {
        CHECK_AWAIT(numbers.next(), std::optional<int>(i));
    }
    CHECK(seen == "");
    CHECK_AWAIT(numbers.next(), std::optional<int>());
    CHECK(seen == "T<anon>[capture <lambda> test]");
}

ASYNC_TEST_CASE("call graph: stack_gather") {
    std::string seen;
    co_await gather(calls_deep(seen), yields());
    CHECK(seen == "T<anon>[capture deep calls_deep](T<anon>[test])");
}

ASYNC_TEST_CASE("call graph: stack_shield") {
    std::string seen;
    co_await shield(calls_deep(seen));
    CHECK(seen == "T<anon>[capture deep calls_deep](T<anon>[test])");
}

ASYNC_TEST_CASE("call graph: stack_timeout") {
    std::string seen;
    co_await shield(deep_with_timeout(seen));
    CHECK(seen ==
          "T<anon>[capture deep <lambda> run_with_deadline deep_with_timeout](T<anon>[test])");
}

ASYNC_TEST_CASE("call graph: stack_wait") {
    std::string seen;
    std::vector<TaskHandle<>> tasks = {create_task(calls_deep(seen)), create_task(yields())};
    co_await wait(tasks);
    CHECK(seen == "T<anon>[capture deep calls_deep](T<anon>[wait_for_futures wait_and_part test])");
}

ASYNC_TEST_CASE("call graph: stack_task") {
    std::string seen;
    co_await await_task(create_task(calls_deep(seen), {.name = "there there"}));
    CHECK(seen == "T<there there>[capture deep calls_deep](T<anon>[await_task test])");
}

ASYNC_TEST_CASE("call graph: stack_future") {
    std::string seen;
    std::string text;
    Promise<> promise = get_running_loop().create_future();
    Future<> future = promise.get_future();
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(calls_await_future(future), {.name = "task A"});
        group.create_task(await_future(future), {.name = "task B"});
        co_await turns(5);
        seen = shape(debug::capture_call_graph(future));
        text = debug::format_call_graph(future);
        promise.set_result();
    };
    co_await task_group(body);
    // The group's task runs: where its innermost coroutine stands is not known from outside.
    CHECK(seen ==
          "F[](T<task A>[await_future calls_await_future](T<anon>[test])"
          " T<task B>[await_future](T<anon>[test]))");
    CHECK(text.starts_with("* Future(id=0x"));
}

ASYNC_TEST_CASE("call graph: a step of as_completed() waits for all that are left") {
    std::string seen;
    std::vector<Task<>> awaitables;
    awaitables.push_back(calls_deep(seen));
    awaitables.push_back(yields());
    for (auto& next : as_completed(awaitables)) {
        co_await next;
    }
    CHECK(seen == "T<anon>[capture deep calls_deep](T<anon>[next take test])");
}

ASYNC_TEST_CASE("call graph: a staggered race waits for those that it has started") {
    std::string seen;
    auto race = [&]() -> Task<> { co_await calls_deep(seen); };
    const std::vector<decltype(race)> races = {race};
    co_await staggered_race(races, std::nullopt);
    CHECK(seen ==
          "T<anon>[capture deep calls_deep <lambda> race](T<anon>[run "
          "run_staggered_race test])");
}

ASYNC_TEST_CASE("call graph: a coroutine of the same task stands on its stack, not above it") {
    std::string seen;
    co_await wait_for(calls_deep(seen), 1s);
    CHECK(seen == "T<anon>[capture deep calls_deep run_with_deadline test]");
}

ASYNC_TEST_CASE("call graph: each await is told by its file and line") {
    const unsigned line = std::source_location::current().line() + 1;
    const FutureCallGraph graph = co_await debug::capture_call_graph();
    REQUIRE(graph.call_stack.size() == 1);
    CHECK(graph.call_stack[0].line() == line);
    CHECK(std::string(graph.call_stack[0].file()).ends_with("tests/debug/call_graph_test.cpp"));
    CHECK(graph.future == current_task());
}

ASYNC_TEST_CASE("call graph: to look at oneself does not yield") {
    testing::EventLog log;
    get_running_loop().call_soon([&] { log("turn"); });
    for (int i = 0; i < 1000; ++i) {
        static_cast<void>(co_await debug::capture_call_graph());
    }
    CHECK(log.joined() == "");
    co_await sleep(0s);
    CHECK(log.joined() == "turn");
}

namespace {

Task<std::string> skipping(std::size_t depth) {
    debug::CallGraphOptions options;
    options.depth = depth;
    const FutureCallGraph graph = co_await debug::capture_call_graph(options);
    co_return shape(graph);
}

Task<std::string> limited(int limit) {
    debug::CallGraphOptions options;
    options.limit = limit;
    const FutureCallGraph graph = co_await debug::capture_call_graph(options);
    co_return shape(graph);
}

Task<std::string> middle(int limit) { co_return co_await limited(limit); }
Task<std::string> outer(int limit) { co_return co_await middle(limit); }

}  // namespace

ASYNC_TEST_CASE("call graph: depth leaves out the newest coroutines") {
    CHECK_AWAIT(skipping(0), "T<anon>[skipping test]");
    CHECK_AWAIT(skipping(1), "T<anon>[test]");
    CHECK_AWAIT(skipping(2), "T<anon>[]");
    CHECK_AWAIT(skipping(100), "T<anon>[]");
}

ASYNC_TEST_CASE("call graph: a limit keeps the newest entries, a negative one the oldest") {
    CHECK_AWAIT(outer(2), "T<anon>[limited middle]");
    CHECK_AWAIT(outer(-2), "T<anon>[outer test]");
    CHECK_AWAIT(outer(4), "T<anon>[limited middle outer test]");
    CHECK_AWAIT(outer(100), "T<anon>[limited middle outer test]");
    CHECK_AWAIT(outer(-100), "T<anon>[limited middle outer test]");
    CHECK_AWAIT(outer(std::numeric_limits<int>::min()), "T<anon>[limited middle outer test]");
}

ASYNC_TEST_CASE("call graph: a limit of 0 leaves who waits for whom") {
    Promise<> promise = get_running_loop().create_future();
    TaskHandle<> task = create_task(calls_await_future(promise.get_future()), {.name = "a"});
    co_await sleep(0s);
    CHECK(shape(debug::capture_call_graph(promise.get_future(), {.limit = 0})) == "F[](T<a>[])");
    CHECK(shape(debug::capture_call_graph(promise.get_future(), {.limit = 1})) ==
          "F[](T<a>[await_future])");
    promise.set_result();
    co_await task;
}

ASYNC_TEST_CASE("call graph: tasks that wait for each other are told as a circle") {
    Promise<AnyFuture> other = get_running_loop().create_future<AnyFuture>();
    auto body = [&]() -> Task<> {
        AnyFuture second = co_await other.get_future();
        co_await second;
    };
    TaskHandle<> a = create_task(body(), {.name = "a"});
    TaskHandle<> b = create_task(await_task(a), {.name = "b"});
    other.set_result(b);
    co_await turns(3);
    CHECK(shape(debug::capture_call_graph(a)) == "T<a>[<lambda>](T<b>[await_task](T<a>[]circle))");
    CHECK(debug::format_call_graph(b).ends_with("(see above): these wait in a circle"));
    CHECK(a.shared_state()->repr().size() < 500);  // which has no end to show, either
    b.cancel();
    CHECK_AWAIT(is_cancelled(b), true);
    CHECK_AWAIT(is_cancelled(a), true);
}

ASYNC_TEST_CASE("call graph: of a task that is done there is nothing to see") {
    TaskHandle<> task = create_task(yields(), {.name = "a"});
    co_await task;
    CHECK(shape(debug::capture_call_graph(task)) == "T<a>[]");
}

ASYNC_TEST_CASE("call graph: a task that has not begun stands at its definition") {
    TaskHandle<> task = create_task(calls_await_future({}), {.name = "a"});
    CHECK(shape(debug::capture_call_graph(task)) == "T<a>[calls_await_future]");
    task.cancel();
    CHECK_AWAIT(is_cancelled(task), true);
}

ASYNC_TEST_CASE("call graph: a plain function sees of the current task its own coroutine") {
    auto plain = [] { return shape(debug::capture_call_graph(current_task())); };
    auto called = [&]() -> Task<std::string> { co_return plain(); };
    CHECK_AWAIT(called(), "T<anon>[test]");
}

ASYNC_TEST_CASE("call graph: a task that waits in two ways is told once") {
    Promise<> promise = get_running_loop().create_future();
    Future<> future = promise.get_future();
    auto body = [&](TaskGroup& group) -> Task<> {
        TaskHandle<> task = group.create_task(await_future(future), {.name = "a"});
        co_await task;
    };
    auto with_group = [&]() -> Task<> { co_await task_group(body); };
    TaskHandle<> task = create_task(with_group(), {.name = "parent"});
    co_await turns(3);
    CHECK(shape(debug::capture_call_graph(future)) ==
          "F[](T<a>[await_future](T<parent>[<lambda> run_task_group <lambda>]))");
    promise.set_result();
    co_await task;
}

ASYNC_TEST_CASE("call graph: a gather in a shield in a gather is one step") {
    std::string seen;
    co_await gather(shield(gather(deep(seen), yields())), yields());
    CHECK(seen == "T<anon>[capture deep](T<anon>[test])");
}

ASYNC_TEST_CASE("call graph: a gather that nobody awaits leaves its children with nobody") {
    std::string seen;
    auto both = gather(deep(seen), yields());
    co_await turns(5);
    CHECK(seen == "T<anon>[capture deep]");
    co_await both;
}

ASYNC_TEST_CASE("call graph: a callback is nobody that waits") {
    Promise<> promise = get_running_loop().create_future();
    promise.get_future().add_done_callback([] {});
    CHECK(shape(debug::capture_call_graph(promise.get_future())) == "F[]");
    promise.set_result();
    co_await sleep(0s);
}

ASYNC_TEST_CASE("call graph: a cancelled waiter waits no more") {
    Promise<> promise = get_running_loop().create_future();
    Future<> shielded = shield(promise.get_future());
    TaskHandle<> task = create_task(await_future(shielded), {.name = "a"});
    co_await sleep(0s);
    CHECK(shape(debug::capture_call_graph(promise.get_future())) == "F[](T<a>[await_future])");
    task.cancel();
    CHECK_AWAIT(is_cancelled(task), true);
    CHECK(shape(debug::capture_call_graph(promise.get_future())) == "F[]");
}

ASYNC_TEST_CASE("call graph: a very large one is cut") {
    Promise<> promise = get_running_loop().create_future();
    std::vector<AnyFuture> tasks;
    AnyFuture last = promise.get_future();
    for (int i = 0; i < 1000; ++i) {
        last = create_task(await_any(last));
        tasks.push_back(last);
    }
    for (int i = 0; i < 2000; ++i) {
        tasks.push_back(create_task(await_future(promise.get_future())));
    }
    co_await turns(1);
    const FutureCallGraph graph = debug::capture_call_graph(promise.get_future());
    CHECK(graph.end == CallGraphEnd::cut);
    CHECK(graph.awaited_by.size() < 1000);
    CHECK(debug::format_call_graph(graph).ends_with("\n  + and so on"));
    promise.set_result();
    co_await wait(tasks);
}

ASYNC_TEST_CASE("call graph: the text is that of asyncio") {
    std::string text;
    auto inner = [&]() -> Task<> {
        const std::string seen = co_await debug::format_call_graph();
        text = seen;
    };
    TaskHandle<> task = create_task(inner(), {.name = "it's"});
    TaskHandle<> waiting = create_task(await_task(task), {.name = "waiting"});
    co_await gather(waiting, yields());
    CHECK(without_numbers(text) ==
          "* Task(name=\"it's\", id=X)\n"
          "  + Call stack:\n"
          "  |   File '" __FILE__ "', line N, in async <lambda>()");
    Promise<> promise = get_running_loop().create_future();
    TaskHandle<> a = create_task(calls_await_future(promise.get_future()), {.name = "a"});
    TaskHandle<> b = create_task(await_task(a), {.name = "b"});
    co_await turns(2);
    CHECK(without_numbers(debug::format_call_graph(promise.get_future())) ==
          "* Future(id=X)\n"
          "  + Awaited by:\n"
          "    * Task(name='a', id=X)\n"
          "      + Call stack:\n"
          "      |   File '" __FILE__
          "', line N, in async await_future()\n"
          "      |   File '" __FILE__
          "', line N, in async calls_await_future()\n"
          "      + Awaited by:\n"
          "        * Task(name='b', id=X)\n"
          "          + Call stack:\n"
          "          |   File '" __FILE__ "', line N, in async await_task()");
    promise.set_result();
    co_await b;
}

ASYNC_TEST_CASE("call graph: printed, it is the text and a newline") {
    TaskHandle<> task = create_task(yields(), {.name = "a"});
    const std::string text =
        written([&](std::FILE* file) { debug::print_call_graph(task, {}, file); });
    CHECK(text == debug::format_call_graph(task) + "\n");
    co_await task;
    char* memory = nullptr;
    std::size_t size = 0;
    std::FILE* const file = ::open_memstream(&memory, &size);
    co_await debug::print_call_graph(debug::CallGraphOptions(), file);
    std::fclose(file);
    CHECK(std::string(memory, size).find("in async async_test_body") != std::string::npos);
    std::free(memory);
}

TEST_CASE("call graph: a handle that refers to nothing is refused") {
    CHECK_THROWS_AS(debug::capture_call_graph(AnyFuture()), std::invalid_argument);
}

TEST_CASE("call graph: of a loop that does not run, and of one that is closed") {
    EventLoop loop({.virtual_time = true});
    EventLoop other({.virtual_time = true});
    Promise<> promise = loop.create_future();
    TaskHandle<> waiting = loop.create_task(await_future(promise.get_future()), {.name = "a"});
    TaskHandle<> elsewhere = other.create_task(yields(), {.name = "b"});
    loop.stop();
    loop.run_forever();
    CHECK(shape(debug::capture_call_graph(promise.get_future())) == "F[](T<a>[await_future])");
    CHECK(shape(debug::capture_call_graph(elsewhere)) == "T<b>[yields]");
    other.run_until_complete(elsewhere);
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    loop.close();
    CHECK(shape(debug::capture_call_graph(promise.get_future())) == "F[]");
    CHECK(shape(debug::capture_call_graph(waiting)) == "T<a>[]");
}
