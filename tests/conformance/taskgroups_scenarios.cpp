// TaskGroup: a scope that owns tasks. CPython cancels the tasks of a group in no particular order,
// so where several of them can tell that they were cancelled, they write it down, and it is logged
// sorted.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <algorithm>
#include <stdexcept>

namespace ringio::conformance {
namespace {

using Notes = std::vector<std::string>;

/// As sleeper(), but writes in `notes` instead of the log.
Task<std::string> noting(Notes& notes, std::string name, Delay length) {
    try {
        co_await sleep(length);
    } catch (const CancelledError&) {
        notes.push_back(name + " cancelled at " + text(now()));
        throw;
    }
    notes.push_back(name + " ended at " + text(now()));
    co_return name;
}

void log_notes(Notes notes) {
    std::sort(notes.begin(), notes.end());
    std::string all;
    for (const std::string& note : notes) {
        all += (all.empty() ? "" : ", ") + note;
    }
    log(all.empty() ? "no notes" : all);
}

template <class E>
Task<> crashing_when_cancelled(E exception) {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        throw exception;
    }
}

template <class E>
Task<> crash(E exception) {
    throw exception;
    co_return;
}

std::invalid_argument value_error(const char* text) { return std::invalid_argument(text); }

CONFORMS("taskgroups.both_finish") {
    std::vector<TaskHandle<std::string>> tasks;
    const auto body = [&](TaskGroup& group) -> Task<std::string> {
        tasks.push_back(group.create_task(sleeper("first", 500ms)));
        tasks.push_back(group.create_task(sleeper("second", 1s)));
        log("body ends");
        co_return "body value";
    };
    log(co_await task_group(body));
    log(states(tasks), now());
}

CONFORMS("taskgroups.empty") {
    const auto body = [](TaskGroup& group) -> Task<std::string> {
        log(group.repr());
        co_return "value";
    };
    auto ticking = create_task(clock(1));
    log(co_await task_group(body));
    co_await ticking;
}

CONFORMS("taskgroups.late_create_task") {
    std::vector<TaskHandle<std::string>> tasks;
    const auto body = [&](TaskGroup& group) -> Task<> {
        tasks.push_back(group.create_task(sleeper("first", 500ms)));
        co_await sleep(750ms);
        tasks.push_back(group.create_task(sleeper("second", 1s)));
    };
    co_await task_group(body);
    log(states(tasks), now());
}

CONFORMS("taskgroups.cancelled_child_is_no_error") {
    std::vector<TaskHandle<std::string>> tasks;
    const auto body = [&](TaskGroup& group) -> Task<> {
        tasks.push_back(group.create_task(sleeper("first", 10s)));
        co_await sleep(500ms);
        tasks[0].cancel();
        tasks.push_back(group.create_task(sleeper("second", 500ms)));
    };
    log(co_await ended(task_group(body)));
    log(states(tasks), now(), cancelling());
}

CONFORMS("taskgroups.child_that_cancels_itself") {
    const auto body = [](TaskGroup& group) -> Task<std::string> {
        group.create_task(crash(CancelledError()));
        co_return co_await sleeper("body", 1s);
    };
    log(co_await ended(task_group(body)));
}

CONFORMS("taskgroups.child_error_cancels_the_sibling") {
    TaskHandle<std::string> sibling;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("bad")));
        sibling = group.create_task(sleeper("sibling", 1s));
        co_return;
    };
    const auto runner = [&]() -> Task<> {
        co_await task_group(body);
        log("not reached");
    };
    auto task = create_task(runner());
    log(co_await ended(task));
    log(state(sibling), now(), task.cancelling());
}

CONFORMS("taskgroups.child_error_cancels_the_body") {
    Notes notes;
    const auto body = [&](TaskGroup& group) -> Task<> {
        for (const char* name : {"a", "b", "c"}) {
            group.create_task(failing("bad "s + name, 500ms, value_error(name)));
        }
        group.create_task(noting(notes, "child", 5s));
        co_await sleeper("body", 10s);
    };
    log(co_await ended(task_group(body)));
    log_notes(notes);
    log(now(), cancelling());
}

CONFORMS("taskgroups.error_in_the_first_step") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 0s, value_error("bad")));
        group.create_task(sleeper("sibling", 1s));
        log("body ends");
        co_return;
    };
    auto ticking = create_task(clock(5));
    log(co_await ended(task_group(body)));
    co_await ticking;
    log(cancelling());
}

CONFORMS("taskgroups.sibling_is_cancelled_before_it_starts") {
    TaskHandle<std::string> sibling;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(crash(value_error("at once")));
        co_await turns(1);
        sibling = group.create_task(sleeper("never", 1s));
        co_await turns(1);
        log("body goes on");
        co_await sleep(1s);
    };
    log(co_await ended(task_group(body)));
    log(state(sibling));
}

CONFORMS("taskgroups.outer_cancel_hits_the_children") {
    Notes notes;
    const auto body = [&](TaskGroup& group) -> Task<> {
        for (int number = 0; number < 5; ++number) {
            group.create_task(noting(notes, "child " + std::to_string(number), 5s));
        }
        co_return;
    };
    auto task = create_task(task_group(body));
    co_await sleep(500ms);
    log(state(task));
    log(task.cancel());
    log(co_await ended(task));
    log_notes(notes);
    log(state(task), task.cancelling());
}

CONFORMS("taskgroups.outer_cancel_hits_the_body_first") {
    Notes notes;
    const auto body = [&](TaskGroup& group) -> Task<> {
        for (int number = 0; number < 5; ++number) {
            group.create_task(noting(notes, "child " + std::to_string(number), 5s));
        }
        co_await sleeper("body", 10s);
    };
    auto task = create_task(task_group(body));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    log_notes(notes);
}

CONFORMS("taskgroups.children_crash_while_cancelled") {
    const auto body = [](TaskGroup& group) -> Task<> {
        for (int child = 0; child < 3; ++child) {
            group.create_task(crashing_when_cancelled(value_error("in cleanup")));
        }
        co_await sleeper("body", 10s);
    };
    auto task = create_task(task_group(body));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("taskgroups.body_error_cancels_the_children") {
    Notes notes;
    std::vector<TaskHandle<std::string>> tasks;
    const auto body = [&](TaskGroup& group) -> Task<> {
        tasks.push_back(group.create_task(noting(notes, "first", 1s)));
        tasks.push_back(group.create_task(noting(notes, "second", 2s)));
        co_await sleep(500ms);
        throw value_error("body");
    };
    log(co_await ended(task_group(body)));
    log_notes(notes);
    log(states(tasks), now(), cancelling());
}

CONFORMS("taskgroups.body_error_before_the_children_start") {
    std::vector<TaskHandle<std::string>> tasks;
    const auto body = [&](TaskGroup& group) -> Task<> {
        tasks.push_back(group.create_task(sleeper("never", 1s)));
        tasks.push_back(group.create_task(sleeper("never", 2s)));
        throw value_error("body");
        co_return;
    };
    auto ticking = create_task(clock(3));
    log(co_await ended(task_group(body)));
    co_await ticking;
    log(states(tasks));
}

Task<> crashing_children(TaskGroup& group) {
    for (int child = 0; child < 2; ++child) {
        group.create_task(crashing_when_cancelled(value_error("deep")));
    }
    co_await sleep(10s);
}

CONFORMS("taskgroups.inner_errors_nest") {
    const auto outer = [](TaskGroup&) -> Task<> { co_await task_group(crashing_children); };
    auto task = create_task(task_group(outer));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("taskgroups.inner_errors_nest_beside_a_child") {
    const auto outer = [](TaskGroup& group) -> Task<> {
        group.create_task(sleeper("outer child", 10s));
        co_await task_group(crashing_children);
    };
    auto task = create_task(task_group(outer));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
}

CONFORMS("taskgroups.outer_child_error_ends_the_inner_group_quietly") {
    const auto inner = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("inner child", 10s, value_error("inner")));
        co_return;
    };
    const auto outer = [&](TaskGroup& group) -> Task<> {
        group.create_task(failing("outer child", 500ms, value_error("outer")));
        try {
            co_await task_group(inner);
        } catch (const CancelledError&) {
            log("CancelledError between the groups,", cancelling());
            throw;
        }
    };
    log(co_await ended(task_group(outer)));
    log(now(), cancelling());
}

CONFORMS("taskgroups.inner_child_error_ends_the_outer_group") {
    const auto inner = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("inner child", 500ms, value_error("inner")));
        co_return;
    };
    const auto outer = [&](TaskGroup& group) -> Task<> {
        group.create_task(failing("outer child", 10s, value_error("outer")));
        co_await task_group(inner);
    };
    log(co_await ended(task_group(outer)));
    log(now(), cancelling());
}

CONFORMS("taskgroups.inner_error_caught_between") {
    const auto inner = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("inner child", 500ms, value_error("inner")));
        co_await sleep(10s);
    };
    const auto outer = [&](TaskGroup& group) -> Task<std::string> {
        group.create_task(sleeper("outer child", 2s));
        log(co_await ended(task_group(inner)));
        log(cancelling());
        co_return co_await sleeper("outer body", 1s);
    };
    log(co_await ended(task_group(outer)));
    log(now(), cancelling());
}

Task<> handles_a_cancel_slowly(TaskGroup& group) {
    group.create_task(failing("bad", 750ms, value_error("bad")));
    std::exception_ptr cancelled;
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        cancelled = std::current_exception();
    }
    log("body cancelled at", now());
    log(co_await ended(sleep(1s)));
    log("body ends at", now());
    std::rethrow_exception(cancelled);
}

CONFORMS("taskgroups.child_crashes_while_the_parent_handles_a_cancel") {
    auto task = create_task(task_group(handles_a_cancel_slowly));
    co_await sleep(250ms);
    log(state(task));
    task.cancel();
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("taskgroups.the_same_a_task_further_in") {
    const auto runner = []() -> Task<> {
        auto inner = create_task(task_group(handles_a_cancel_slowly));
        try {
            co_await inner;
        } catch (...) {
            log("inner", inner.cancelled(), inner.cancelling());
            throw;
        }
    };
    auto task = create_task(runner());
    co_await sleep(250ms);
    task.cancel();
    log(co_await ended(task));
    log("outer", task.cancelled(), task.cancelling());
}

CONFORMS("taskgroups.empty_group_cancelled") {
    const auto body = [](TaskGroup&) -> Task<> { co_await sleeper("body", 10s); };
    auto task = create_task(task_group(body));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    log(state(task));
}

CONFORMS("taskgroups.body_replaces_the_cancellation") {
    const auto body = [](TaskGroup&) -> Task<> {
        co_await crashing_when_cancelled(std::out_of_range("instead"));
    };
    auto task = create_task(task_group(body));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("taskgroups.child_and_body_errors_combine") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("child")));
        co_await crashing_when_cancelled(std::out_of_range("body"));
    };
    log(co_await ended(task_group(body)));
    log(cancelling());
}

CONFORMS("taskgroups.keyboard_interrupt_in_the_body") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("child")));
        co_await crashing_when_cancelled(KeyboardInterrupt());
    };
    try {
        co_await task_group(body);
    } catch (const KeyboardInterrupt&) {
        log("KeyboardInterrupt, bare");
    }
}

CONFORMS("taskgroups.cancelled_while_children_run") {
    Notes notes;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(noting(notes, "first", 1s));
        group.create_task(noting(notes, "second", 2s));
        co_return;
    };
    auto task = create_task(task_group(body));
    co_await turns(1);
    task.cancel();
    log(co_await ended(task));
    log_notes(notes);
}

CONFORMS("taskgroups.cancelled_before_it_began") {
    const auto body = [](TaskGroup&) -> Task<> {
        log("not reached");
        co_return;
    };
    auto task = create_task(task_group(body));
    task.cancel();
    log(co_await ended(task));
}

CONFORMS("taskgroups.finished_children_are_forgotten") {
    const auto body = [](TaskGroup& group) -> Task<> {
        for (int count = 0; count < 6; ++count) {
            co_await sleep(250ms);
            group.create_task(sleep(625ms));
            log(group.repr());
        }
        co_await sleep(1500ms);
        log(group.repr());
    };
    co_await task_group(body);
    log(now());
}

Task<> adding_root(TaskGroup& group) {
    co_await sleep(500ms);
    group.create_task(sleeper("first", 500ms));
    group.create_task(sleeper("second", 1s));
    log("root ends");
}

CONFORMS("taskgroups.child_adds_children_while_the_group_waits") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(adding_root(group));
        co_return;
    };
    co_await task_group(body);
    log(now());
}

Task<> chain_link(TaskGroup& group, int number) {
    log("link", number);
    if (number > 0) {
        group.create_task(chain_link(group, number - 1));
    }
    co_return;
}

CONFORMS("taskgroups.last_child_hands_over") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(chain_link(group, 3));
        co_return;
    };
    auto ticking = create_task(clock(7));
    co_await task_group(body);
    log("group ends");
    co_await ticking;
}

// `growing` stays true: without it clang takes the recursion for one without an end.
Task<> hydra(TaskGroup& group, int& heads, const bool& growing) {
    ++heads;
    co_await sleep(250ms);
    if (growing) {
        group.create_task(hydra(group, heads, growing));
        group.create_task(hydra(group, heads, growing));
    }
}

Task<> hercules(const int& heads) {
    while (heads < 10) {
        co_await sleep(375ms);
    }
    throw std::invalid_argument("enough at " + text(now()));
}

CONFORMS("taskgroups.hydra_is_stopped") {
    int heads = 0;
    const bool growing = true;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(hydra(group, heads, growing));
        group.create_task(hercules(heads));
        co_return;
    };
    log(co_await ended(task_group(body)));
    log(heads, "heads");
}

CONFORMS("taskgroups.task_name") {
    const auto body = [](TaskGroup& group) -> Task<> {
        auto task = group.create_task(sleeper("child", 0s), {.name = "yolo"});
        log(task.get_name());
        co_return;
    };
    co_await task_group(body);
}

Task<> change(ContextVar<int>& number, int value) {
    log("was", number.get(0));
    co_await turns(1);
    number.set(value);
}

CONFORMS("taskgroups.task_context") {
    ContextVar<int> number("number");
    const Context context = copy_context();
    const auto body = [&](TaskGroup& group) -> Task<> {
        const TaskOptions options{.context = &context};
        co_await group.create_task(change(number, 1), options);
        log(context.get(number).value_or(0));
        co_await group.create_task(change(number, 2), options);
        log(context.get(number).value_or(0));
        co_await group.create_task(change(number, 3));
        log(context.get(number).value_or(0), number.get(0));
    };
    co_await task_group(body);
}

Task<> tries_to_create_a_task(TaskGroup& group) {
    try {
        co_await sleep(1s);
    } catch (const CancelledError&) {
        log(call([&] { group.create_task(sleeper("never", 1s)); }));
    }
}

CONFORMS("taskgroups.no_create_task_after_failure") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("bad")));
        group.create_task(tries_to_create_a_task(group));
        co_return;
    };
    log(co_await ended(task_group(body)));
}

CONFORMS("taskgroups.no_create_task_after_the_body_failed") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(tries_to_create_a_task(group));
        co_await turns(1);
        throw std::out_of_range("body");
    };
    log(co_await ended(task_group(body)));
}

CONFORMS("taskgroups.cleanup_in_the_body_raises_too") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(crash(value_error("child")));
        try {
            co_await sleep(1s);
        } catch (const CancelledError&) {
            throw value_error("closing the database");
        }
    };
    const auto runner = [&]() -> Task<> {
        log(co_await ended(task_group(body)));
        log(cancelling());
    };
    co_await create_task(runner());
}

CONFORMS("taskgroups.already_entered") {
    const auto body = [](TaskGroup& group) -> Task<> {
        log(call([&] { group.enter(); }));
        co_return;
    };
    co_await task_group(body);
}

CONFORMS("taskgroups.double_enter") {
    TaskGroup group;
    group.enter();
    co_await group.leave(nullptr);
    log(call([&] { group.enter(); }));
}

CONFORMS("taskgroups.finished") {
    TaskGroup group;
    group.enter();
    co_await group.leave(nullptr);
    log(call([&] { group.create_task(sleeper("never", 0s)); }));
}

CONFORMS("taskgroups.not_entered") {
    TaskGroup group;
    log(call([&] { group.create_task(sleeper("never", 0s)); }));
    co_return;
}

CONFORMS("taskgroups.without_a_parent_task") {
    TaskGroup group;
    get_running_loop().call_soon([&] { log(call([&] { group.enter(); })); });
    co_await turns(1);
}

CONFORMS("taskgroups.cancelling_level_is_preserved") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 0s, std::runtime_error("bad")));
        co_return;
    };
    log(co_await ended(task_group(body)));
    log(cancelling());
    co_await turns(2);
    log("no stray cancellation");
}

CONFORMS("taskgroups.nested_groups_both_cancelled") {
    const auto outer = [](TaskGroup& group) -> Task<> {
        const auto inner = [&](TaskGroup& inner_group) -> Task<> {
            inner_group.create_task(failing("of the inner", 0s, std::runtime_error("inner")));
            group.create_task(failing("of the outer", 0s, value_error("outer")));
            co_return;
        };
        log(co_await ended(task_group(inner)));
        log(cancelling());
    };
    log(co_await ended(task_group(outer)));
    log(cancelling());
}

Task<> crash_next_turn(Event& started) {
    started.set();
    co_await turns(1);
    throw std::runtime_error("bad");
}

CONFORMS("taskgroups.error_and_cancel") {
    Event started;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(crash_next_turn(started));
        co_await sleeper("body", 1s);
    };
    const auto runner = [&]() -> Task<> {
        log(co_await ended(task_group(body)));
        log(cancelling());
        co_await sleeper("after the group", 1s);
    };
    auto task = create_task(runner());
    co_await started.wait();
    log("cancelling", task.cancelling());
    task.cancel();
    log("cancelling", task.cancelling());
    log(co_await ended(task));
    log(state(task));
}

CONFORMS("taskgroups.exit_is_cancelled_again_and_again") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(deaf("child", 2s));
        co_return;
    };
    auto task = create_task(task_group(body));
    for (int time = 0; time < 3; ++time) {
        co_await sleep(500ms);
        task.cancel();
    }
    log(co_await ended(task));
    log(state(task), now(), task.cancelling());
}

CONFORMS("taskgroups.exit_waits_for_cleanup") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("bad")));
        group.create_task(stubborn("slow", 10s, 2s));
        co_return;
    };
    log(co_await ended(task_group(body)));
    log(now());
}

CONFORMS("taskgroups.second_error_during_cleanup") {
    const auto body = [](TaskGroup& group) -> Task<std::string> {
        group.create_task(failing("bad", 500ms, value_error("first")));
        group.create_task(crashing_when_cancelled(std::out_of_range("second")));
        co_return "lost";
    };
    log(co_await ended(task_group(body)));
}

CONFORMS("taskgroups.child_swallows_the_cancel") {
    TaskHandle<std::string> swallows;
    const auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(failing("bad", 500ms, value_error("bad")));
        swallows = group.create_task(deaf("deaf", 2s));
        co_return;
    };
    log(co_await ended(task_group(body)));
    log(state(swallows), now());
}

CONFORMS("taskgroups.body_swallows_the_cancel") {
    const auto body = [](TaskGroup& group) -> Task<std::string> {
        group.create_task(failing("bad", 500ms, value_error("bad")));
        log(co_await ended(sleep(10s)));
        log(cancelling());
        co_return co_await sleeper("body", 1s);
    };
    log(co_await ended(task_group(body)));
    log(now(), cancelling());
}

CONFORMS("taskgroups.two_errors_in_one_turn") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(failing("first", 500ms, value_error("v")));
        group.create_task(failing("second", 500ms, std::out_of_range("k")));
        co_await sleeper("body", 10s);
    };
    log(co_await ended(task_group(body)));
    log(cancelling());
}

CONFORMS("taskgroups.group_message") {
    const auto body = [](TaskGroup&) -> Task<> {
        throw value_error("only one");
        co_return;
    };
    try {
        co_await task_group(body);
    } catch (const ExceptionGroup& group) {
        log(group.message() + ":", group.exceptions().size());
    }
}

CONFORMS("taskgroups.body_awaits_a_failing_child") {
    const auto body = [](TaskGroup& group) -> Task<> {
        auto child = group.create_task(failing("child", 500ms, value_error("child")));
        try {
            co_await child;
        } catch (const std::invalid_argument&) {
            log("the body sees", error_of_current());
            throw;
        }
    };
    log(co_await ended(task_group(body)));
    log(cancelling());
}

CONFORMS("taskgroups.repr") {
    TaskGroup group;
    log(group.repr());
    group.enter();
    log(group.repr());
    group.create_task(sleep(1s));
    group.create_task(sleep(2s));
    log(group.repr());
    group.create_task(crash(value_error("bad")));
    log(co_await ended(sleep(5s)));
    log(group.repr());
    log(co_await ended(group.leave(nullptr)));
    log(group.repr());
}

Task<> child() {
    log("child");
    co_return;
}

CONFORMS("taskgroups.turns_of_the_exit") {
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(child());
        group.create_task(child());
        co_return;
    };
    auto ticking = create_task(clock(4));
    co_await task_group(body);
    log("group ends");
    co_await ticking;
}

Task<> tree(std::string name, int depth) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        for (const char* side : {"l", "r"}) {
            if (depth > 0) {
                group.create_task(tree(name + side, depth - 1));
            }
        }
        log(name, "body ends");
        co_return;
    };
    co_await task_group(body);
    log(name, "ends");
}

CONFORMS("taskgroups.in_groups_of_groups") { co_await tree("t", 2); }

}  // namespace
}  // namespace ringio::conformance
