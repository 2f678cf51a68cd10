"""TaskGroup: a scope that owns tasks.

CPython cancels the tasks of a group in no particular order, so where several of them can tell that
they were cancelled, they write it down, and it is logged sorted.
"""

import asyncio
import contextvars

from scenario import call, ended, error, log, now, run_scenarios, scenario, turns
from telling import cancelling, clock, deaf, failing, sleeper, state, states, stubborn


async def grouped(body):
    """Runs body(group) in a task group."""
    async with asyncio.TaskGroup() as group:
        return await body(group)


async def noting(notes, name, seconds):
    """As sleeper(), but writes in `notes` instead of the log."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        notes.append(f"{name} cancelled at {now()}")
        raise
    notes.append(f"{name} ended at {now()}")
    return name


def log_notes(notes):
    log(", ".join(sorted(notes)) or "no notes")


async def crashing_when_cancelled(exc):
    try:
        await asyncio.sleep(10)
    finally:
        raise exc


@scenario("taskgroups.both_finish")
async def _():
    """A group waits for its tasks and gives the body's value."""
    tasks = []

    async def body(group):
        tasks.append(group.create_task(sleeper("first", 0.5)))
        tasks.append(group.create_task(sleeper("second", 1)))
        log("body ends")
        return "body value"

    log(await grouped(body))
    log(f"{states(*tasks)} {now()}")


@scenario("taskgroups.empty")
async def _():
    """A group without tasks does not yield."""

    async def body(group):
        log(repr(group))
        return "value"

    ticking = asyncio.create_task(clock(1))
    log(await grouped(body))
    await ticking


@scenario("taskgroups.late_create_task")
async def _():
    """The body may create tasks after it has waited."""
    tasks = []

    async def body(group):
        tasks.append(group.create_task(sleeper("first", 0.5)))
        await asyncio.sleep(0.75)
        tasks.append(group.create_task(sleeper("second", 1)))

    await grouped(body)
    log(f"{states(*tasks)} {now()}")


@scenario("taskgroups.cancelled_child_is_no_error")
async def _():
    """A task that is cancelled is no error."""
    tasks = []

    async def body(group):
        tasks.append(group.create_task(sleeper("first", 10)))
        await asyncio.sleep(0.5)
        tasks[0].cancel()
        tasks.append(group.create_task(sleeper("second", 0.5)))

    log(await ended(grouped(body)))
    log(f"{states(*tasks)} {now()} {cancelling()}")


@scenario("taskgroups.child_that_cancels_itself")
async def _():
    """A task that raises CancelledError is no error."""

    async def child():
        raise asyncio.CancelledError

    async def body(group):
        group.create_task(child())
        return await sleeper("body", 1)

    log(await ended(grouped(body)))


@scenario("taskgroups.child_error_cancels_the_sibling", since=(3, 13))
async def _():
    """A task that fails cancels the others, and what follows the group is not reached."""
    sibling = []

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("bad")))
        sibling.append(group.create_task(sleeper("sibling", 1)))

    async def runner():
        await grouped(body)
        log("not reached")

    task = asyncio.create_task(runner())
    log(await ended(task))
    log(f"{state(sibling[0])} {now()} {task.cancelling()}")


@scenario("taskgroups.child_error_cancels_the_body", since=(3, 13))
async def _():
    """A task that fails cancels the body; errors of the same turn are all there."""
    notes = []

    async def body(group):
        for name in ("a", "b", "c"):
            group.create_task(failing(f"bad {name}", 0.5, ValueError(name)))
        group.create_task(noting(notes, "child", 5))
        await sleeper("body", 10)

    log(await ended(grouped(body)))
    log_notes(notes)
    log(f"{now()} {cancelling()}")


@scenario("taskgroups.error_in_the_first_step", since=(3, 13))
async def _():
    """How many turns lie between an error and the end of the group."""

    async def body(group):
        group.create_task(failing("bad", 0, ValueError("bad")))
        group.create_task(sleeper("sibling", 1))
        log("body ends")

    ticking = asyncio.create_task(clock(5))
    log(await ended(grouped(body)))
    await ticking
    log(cancelling())


@scenario("taskgroups.sibling_is_cancelled_before_it_starts")
async def _():
    """A task that fails cancels one that has not started."""
    siblings = []

    async def bad():
        raise ValueError("at once")

    async def body(group):
        group.create_task(bad())
        await turns(1)
        siblings.append(group.create_task(sleeper("never", 1)))
        await turns(1)
        log("body goes on")
        await asyncio.sleep(1)

    log(await ended(grouped(body)))
    log(states(*siblings))


@scenario("taskgroups.outer_cancel_hits_the_children")
async def _():
    """Cancelling the task cancels the group's tasks."""
    notes = []

    async def body(group):
        for number in range(5):
            group.create_task(noting(notes, f"child {number}", 5))

    task = asyncio.create_task(grouped(body))
    await asyncio.sleep(0.5)
    log(state(task))
    log(task.cancel())
    log(await ended(task))
    log_notes(notes)
    log(f"{state(task)} {task.cancelling()}")


@scenario("taskgroups.outer_cancel_hits_the_body_first")
async def _():
    """Cancelling the task cancels the body, and then the group's tasks."""
    notes = []

    async def body(group):
        for number in range(5):
            group.create_task(noting(notes, f"child {number}", 5))
        await sleeper("body", 10)

    task = asyncio.create_task(grouped(body))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    log_notes(notes)


@scenario("taskgroups.children_crash_while_cancelled", since=(3, 13))
async def _():
    """Tasks that fail when they are cancelled: their errors come out, not CancelledError."""

    async def body(group):
        for _ in range(3):
            group.create_task(crashing_when_cancelled(ValueError("in cleanup")))
        await sleeper("body", 10)

    task = asyncio.create_task(grouped(body))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    log(f"{task.cancelled()} {task.cancelling()}")


@scenario("taskgroups.body_error_cancels_the_children")
async def _():
    """A body that fails cancels the tasks, and its error comes out in a group."""
    notes, tasks = [], []

    async def body(group):
        tasks.append(group.create_task(noting(notes, "first", 1)))
        tasks.append(group.create_task(noting(notes, "second", 2)))
        await asyncio.sleep(0.5)
        raise ValueError("body")

    log(await ended(grouped(body)))
    log_notes(notes)
    log(f"{states(*tasks)} {now()} {cancelling()}")


@scenario("taskgroups.body_error_before_the_children_start")
async def _():
    """The same before the tasks have started: they never do."""
    tasks = []

    async def body(group):
        tasks.append(group.create_task(sleeper("never", 1)))
        tasks.append(group.create_task(sleeper("never", 2)))
        raise ValueError("body")

    ticking = asyncio.create_task(clock(3))
    log(await ended(grouped(body)))
    await ticking
    log(states(*tasks))


@scenario("taskgroups.inner_errors_nest", since=(3, 13))
async def _():
    """The errors of an inner group are a group within the outer one's."""

    async def inner(group):
        for _ in range(2):
            group.create_task(crashing_when_cancelled(ValueError("deep")))
        await asyncio.sleep(10)

    async def outer(group):
        await grouped(inner)

    task = asyncio.create_task(grouped(outer))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    log(f"{task.cancelled()} {task.cancelling()}")


@scenario("taskgroups.inner_errors_nest_beside_a_child", since=(3, 13))
async def _():
    """The same when the outer group has a task, too."""

    async def inner(group):
        for _ in range(2):
            group.create_task(crashing_when_cancelled(ValueError("deep")))
        await asyncio.sleep(10)

    async def outer(group):
        group.create_task(sleeper("outer child", 10))
        await grouped(inner)

    task = asyncio.create_task(grouped(outer))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))


@scenario("taskgroups.outer_child_error_ends_the_inner_group_quietly", since=(3, 13))
async def _():
    """An error in the outer group ends the inner one by CancelledError."""

    async def inner(group):
        group.create_task(failing("inner child", 10, ValueError("inner")))

    async def outer(group):
        group.create_task(failing("outer child", 0.5, ValueError("outer")))
        try:
            await grouped(inner)
        except asyncio.CancelledError:
            log(f"CancelledError between the groups, {cancelling()}")
            raise

    log(await ended(grouped(outer)))
    log(f"{now()} {cancelling()}")


@scenario("taskgroups.inner_child_error_ends_the_outer_group", since=(3, 13))
async def _():
    """An error in the inner group ends the outer one."""

    async def inner(group):
        group.create_task(failing("inner child", 0.5, ValueError("inner")))

    async def outer(group):
        group.create_task(failing("outer child", 10, ValueError("outer")))
        await grouped(inner)

    log(await ended(grouped(outer)))
    log(f"{now()} {cancelling()}")


@scenario("taskgroups.inner_error_caught_between", since=(3, 13))
async def _():
    """Errors of an inner group that are caught leave the outer one at work."""

    async def inner(group):
        group.create_task(failing("inner child", 0.5, ValueError("inner")))
        await asyncio.sleep(10)

    async def outer(group):
        group.create_task(sleeper("outer child", 2))
        log(await ended(grouped(inner)))
        log(cancelling())
        return await sleeper("outer body", 1)

    log(await ended(grouped(outer)))
    log(f"{now()} {cancelling()}")


async def handles_a_cancel_slowly(group):
    group.create_task(failing("bad", 0.75, ValueError("bad")))
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        log(f"body cancelled at {now()}")
        log(await ended(asyncio.sleep(1)))
        log(f"body ends at {now()}")
        raise


@scenario("taskgroups.child_crashes_while_the_parent_handles_a_cancel", since=(3, 13))
async def _():
    """A task fails while the body handles a cancellation: the error wins."""
    task = asyncio.create_task(grouped(handles_a_cancel_slowly))
    await asyncio.sleep(0.25)
    log(state(task))
    task.cancel()
    log(await ended(task))
    log(f"{task.cancelled()} {task.cancelling()}")


@scenario("taskgroups.the_same_a_task_further_in", since=(3, 13))
async def _():
    """The same one task further in."""

    async def runner():
        inner = asyncio.create_task(grouped(handles_a_cancel_slowly))
        try:
            await inner
        finally:
            log(f"inner {inner.cancelled()} {inner.cancelling()}")

    task = asyncio.create_task(runner())
    await asyncio.sleep(0.25)
    task.cancel()
    log(await ended(task))
    log(f"outer {task.cancelled()} {task.cancelling()}")


@scenario("taskgroups.empty_group_cancelled")
async def _():
    """A group without tasks passes a cancellation on."""

    async def body(group):
        await sleeper("body", 10)

    task = asyncio.create_task(grouped(body))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    log(state(task))


@scenario("taskgroups.body_replaces_the_cancellation", since=(3, 13))
async def _():
    """A body that replaces its cancellation by an error: the error wins."""

    async def body(group):
        await crashing_when_cancelled(LookupError("instead"))

    task = asyncio.create_task(grouped(body))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    log(f"{task.cancelled()} {task.cancelling()}")


@scenario("taskgroups.child_and_body_errors_combine", since=(3, 13))
async def _():
    """The errors of a task and of the body come out together."""

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("child")))
        await crashing_when_cancelled(LookupError("body"))

    log(await ended(grouped(body)))
    log(cancelling())


@scenario("taskgroups.keyboard_interrupt_in_the_body", since=(3, 13))
async def _():
    """KeyboardInterrupt comes out alone."""

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("child")))
        await crashing_when_cancelled(KeyboardInterrupt())

    try:
        await grouped(body)
    except KeyboardInterrupt:
        log("KeyboardInterrupt, bare")


@scenario("taskgroups.cancelled_while_children_run")
async def _():
    """Cancelled when the tasks have just started."""
    notes = []

    async def body(group):
        group.create_task(noting(notes, "first", 1))
        group.create_task(noting(notes, "second", 2))

    task = asyncio.create_task(grouped(body))
    await turns(1)
    task.cancel()
    log(await ended(task))
    log_notes(notes)


@scenario("taskgroups.cancelled_before_it_began")
async def _():
    """Cancelled before its first step, the task never enters the group."""

    async def body(group):
        log("not reached")

    task = asyncio.create_task(grouped(body))
    task.cancel()
    log(await ended(task))


@scenario("taskgroups.finished_children_are_forgotten")
async def _():
    """A group forgets the tasks that have ended."""

    async def body(group):
        for count in range(6):
            await asyncio.sleep(0.25)
            group.create_task(asyncio.sleep(0.625))
            log(repr(group))
        await asyncio.sleep(1.5)
        log(repr(group))

    await grouped(body)
    log(now())


@scenario("taskgroups.child_adds_children_while_the_group_waits")
async def _():
    """A task may add tasks while the group waits for it."""

    async def root(group):
        await asyncio.sleep(0.5)
        group.create_task(sleeper("first", 0.5))
        group.create_task(sleeper("second", 1))
        log("root ends")

    async def body(group):
        group.create_task(root(group))

    await grouped(body)
    log(now())


@scenario("taskgroups.last_child_hands_over")
async def _():
    """The last task may add another one as its last act."""

    async def link(group, number):
        log(f"link {number}")
        if number:
            group.create_task(link(group, number - 1))

    async def body(group):
        group.create_task(link(group, 3))

    ticking = asyncio.create_task(clock(7))
    await grouped(body)
    log("group ends")
    await ticking


@scenario("taskgroups.hydra_is_stopped", since=(3, 13))
async def _():
    """Tasks that multiply are stopped by an error."""
    heads = []

    async def hydra(group):
        heads.append(1)
        await asyncio.sleep(0.25)
        group.create_task(hydra(group))
        group.create_task(hydra(group))

    async def hercules():
        while len(heads) < 10:
            await asyncio.sleep(0.375)
        raise ValueError(f"enough at {now()}")

    async def body(group):
        group.create_task(hydra(group))
        group.create_task(hercules())

    log(await ended(grouped(body)))
    log(f"{len(heads)} heads")


@scenario("taskgroups.task_name")
async def _():
    """Tasks may have names."""

    async def body(group):
        task = group.create_task(sleeper("child", 0), name="yolo")
        log(task.get_name())

    await grouped(body)


@scenario("taskgroups.task_context")
async def _():
    """Tasks may run in a given context, or in a copy of the current one."""
    number = contextvars.ContextVar("number")
    context = contextvars.copy_context()

    async def change(value):
        log("was", number.get(0))
        await turns(1)
        number.set(value)

    async def body(group):
        await group.create_task(change(1), context=context)
        log(context.get(number))
        await group.create_task(change(2), context=context)
        log(context.get(number))
        await group.create_task(change(3))
        log(context.get(number), number.get(0))

    await grouped(body)


@scenario("taskgroups.no_create_task_after_failure", since=(3, 13))
async def _():
    """No task is created once one has failed."""

    async def tries(group):
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            coroutine = sleeper("never", 1)
            log(call(group.create_task, coroutine))
            coroutine.close()

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("bad")))
        group.create_task(tries(group))

    log(await ended(grouped(body)))


@scenario("taskgroups.no_create_task_after_the_body_failed")
async def _():
    """No task is created once the body has failed."""

    async def tries(group):
        try:
            await asyncio.sleep(1)
        finally:
            coroutine = sleeper("never", 1)
            log(call(group.create_task, coroutine))
            coroutine.close()

    async def body(group):
        group.create_task(tries(group))
        await turns(1)
        raise LookupError("body")

    log(await ended(grouped(body)))


@scenario("taskgroups.cleanup_in_the_body_raises_too", since=(3, 13))
async def _():
    """A clean-up in the body that fails as well leaves no cancellation behind."""

    async def bad():
        raise ValueError("child")

    async def body(group):
        try:
            group.create_task(bad())
            await asyncio.sleep(1)
        finally:
            raise ValueError("closing the database")

    async def runner():
        log(await ended(grouped(body)))
        log(cancelling())

    await asyncio.create_task(runner())


@scenario("taskgroups.already_entered")
async def _():
    """A group is not entered within itself."""
    async with asyncio.TaskGroup() as group:
        log(await ended(group.__aenter__()))


@scenario("taskgroups.double_enter")
async def _():
    """A group is not entered again."""
    group = asyncio.TaskGroup()
    async with group:
        pass
    log(await ended(group.__aenter__()))


@scenario("taskgroups.finished")
async def _():
    """A finished group takes no task, and destroys the coroutine."""
    async with asyncio.TaskGroup() as group:
        pass
    coroutine = sleeper("never", 0)
    log(call(group.create_task, coroutine))
    coroutine.close()


@scenario("taskgroups.not_entered")
async def _():
    """A group that was not entered takes no task."""
    coroutine = sleeper("never", 0)
    log(call(asyncio.TaskGroup().create_task, coroutine))
    coroutine.close()


@scenario("taskgroups.without_a_parent_task")
async def _():
    """A group needs a task."""
    group = asyncio.TaskGroup()

    def enter():
        group.__aenter__().send(None)

    asyncio.get_running_loop().call_soon(lambda: log(call(enter)))
    await turns(1)


@scenario("taskgroups.cancelling_level_is_preserved", since=(3, 13))
async def _():
    """The group takes its own cancellation back."""

    async def body(group):
        group.create_task(failing("bad", 0, RuntimeError("bad")))

    log(await ended(grouped(body)))
    log(cancelling())
    await turns(2)
    log("no stray cancellation")


@scenario("taskgroups.nested_groups_both_cancelled", since=(3, 13))
async def _():
    """Two groups that both cancelled the task take back one request each."""

    async def outer(group):
        async def inner(inner_group):
            inner_group.create_task(failing("of the inner", 0, RuntimeError("inner")))
            group.create_task(failing("of the outer", 0, ValueError("outer")))

        log(await ended(grouped(inner)))
        log(cancelling())

    log(await ended(grouped(outer)))
    log(cancelling())


@scenario("taskgroups.error_and_cancel", since=(3, 13))
async def _():
    """A cancellation from outside that an error hid strikes at the next wait."""
    started = asyncio.Event()

    async def bad():
        started.set()
        await turns(1)
        raise RuntimeError("bad")

    async def body(group):
        group.create_task(bad())
        await sleeper("body", 1)

    async def runner():
        log(await ended(grouped(body)))
        log(cancelling())
        await sleeper("after the group", 1)

    task = asyncio.create_task(runner())
    await started.wait()
    log(f"cancelling {task.cancelling()}")
    task.cancel()
    log(f"cancelling {task.cancelling()}")
    log(await ended(task))
    log(state(task))


@scenario("taskgroups.exit_is_cancelled_again_and_again")
async def _():
    """The group waits for its tasks however often it is cancelled."""

    async def body(group):
        group.create_task(deaf("child", 2))

    task = asyncio.create_task(grouped(body))
    for _ in range(3):
        await asyncio.sleep(0.5)
        task.cancel()
    log(await ended(task))
    log(f"{state(task)} {now()} {task.cancelling()}")


@scenario("taskgroups.exit_waits_for_cleanup", since=(3, 13))
async def _():
    """The group waits for the clean-up of its tasks."""

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("bad")))
        group.create_task(stubborn("slow", 10, 2))

    log(await ended(grouped(body)))
    log(now())


@scenario("taskgroups.second_error_during_cleanup", since=(3, 13))
async def _():
    """An error in the clean-up joins the first one."""

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("first")))
        group.create_task(crashing_when_cancelled(LookupError("second")))
        return "lost"

    log(await ended(grouped(body)))


@scenario("taskgroups.child_swallows_the_cancel", since=(3, 13))
async def _():
    """A task may refuse the cancellation and give its value."""
    tasks = []

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("bad")))
        tasks.append(group.create_task(deaf("deaf", 2)))

    log(await ended(grouped(body)))
    log(f"{states(*tasks)} {now()}")


@scenario("taskgroups.body_swallows_the_cancel", since=(3, 13))
async def _():
    """A body may swallow the cancellation; the error comes out at its end."""

    async def body(group):
        group.create_task(failing("bad", 0.5, ValueError("bad")))
        log(await ended(asyncio.sleep(10)))
        log(cancelling())
        return await sleeper("body", 1)

    log(await ended(grouped(body)))
    log(f"{now()} {cancelling()}")


@scenario("taskgroups.two_errors_in_one_turn", since=(3, 13))
async def _():
    """Two errors in one instant come out together, and no cancellation stays."""

    async def body(group):
        group.create_task(failing("first", 0.5, ValueError("v")))
        group.create_task(failing("second", 0.5, LookupError("k")))
        await sleeper("body", 10)

    log(await ended(grouped(body)))
    log(cancelling())


@scenario("taskgroups.group_message")
async def _():
    """A single error comes out in a group, too, with the known message."""

    async def body(group):
        raise ValueError("only one")

    try:
        await grouped(body)
    except ExceptionGroup as exc:
        log(f"{exc.message}: {len(exc.exceptions)}")


@scenario("taskgroups.body_awaits_a_failing_child", since=(3, 13))
async def _():
    """The error of a task that the body awaits is told once."""

    async def body(group):
        child = group.create_task(failing("child", 0.5, ValueError("child")))
        try:
            await child
        except ValueError as exc:
            log(f"the body sees {error(exc)}")
            raise

    log(await ended(grouped(body)))
    log(cancelling())


@scenario("taskgroups.repr")
async def _():
    """The repr tells of tasks, errors and the state."""
    group = asyncio.TaskGroup()
    log(repr(group))

    async def bad():
        raise ValueError("bad")

    try:
        async with group:
            log(repr(group))
            group.create_task(asyncio.sleep(1))
            group.create_task(asyncio.sleep(2))
            log(repr(group))
            group.create_task(bad())
            log(await ended(asyncio.sleep(5)))
            log(repr(group))
    except ExceptionGroup as exc:
        log(error(exc))
    log(repr(group))


@scenario("taskgroups.turns_of_the_exit")
async def _():
    """How many turns lie between the end of the last task and that of the group."""

    async def child():
        log("child")

    async def body(group):
        group.create_task(child())
        group.create_task(child())

    ticking = asyncio.create_task(clock(4))
    await grouped(body)
    log("group ends")
    await ticking


@scenario("taskgroups.in_groups_of_groups")
async def _():
    """The order in which a tree of groups ends."""

    async def tree(name, depth):
        async def body(group):
            for side in "lr":
                if depth:
                    group.create_task(tree(name + side, depth - 1))
            log(f"{name} body ends")

        await grouped(body)
        log(f"{name} ends")

    await tree("t", 2)


if __name__ == "__main__":
    run_scenarios()
