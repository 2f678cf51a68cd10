"""races: each way to wait, cancelled at each turn of the loop.

A case is made anew for every turn k, run in a task, and cancelled after k turns. The log says how
the task ended and after how many further turns, and what became of its children.
"""

import asyncio

from scenario import error, log, loop_future, run_scenarios, scenario, turns


def state(child):
    if not child.done():
        return "pending"
    if child.cancelled():
        return "cancelled"
    return kind_of(child.exception())


def kind_of(exception):
    return "done" if exception is None else type(exception).__name__


def states(children):
    return "[" + ", ".join(map(state, children)) + "]"


def outcome(task):
    if not task.done():
        return "pending"
    return "cancelled" if task.cancelled() else error(task.exception())


async def until_done(task):
    """The number of turns until a task is done, 20 at most."""
    for count in range(20):
        if task.done():
            return count
        await asyncio.sleep(0)
    return 20


async def at_every_turn(limit, case):
    for k in range(limit):
        children = []
        task = asyncio.create_task(case(children))
        await turns(k)
        accepted = task.cancel()
        count = await until_done(task)
        before = states(children)
        await turns(8)
        log(k, accepted, "turns", count, outcome(task), task.cancelling(), before, states(children))


def child(children, coroutine):
    task = asyncio.create_task(coroutine)
    children.append(task)
    return task


def future(children):
    result = loop_future()
    children.append(result)
    return result


def after(count, function):
    """Calls a function after some turns."""

    async def later():
        await turns(count)
        function()

    asyncio.create_task(later())


def finish(target):
    def set_result():
        if not target.done():
            target.set_result(None)

    return set_result


async def fail_after(count):
    await turns(count)
    raise ValueError("failed")


async def stubborn(count):
    try:
        await turns(5)
    except asyncio.CancelledError:
        await turns(count)


async def slow_to_go(count):
    try:
        await turns(5)
    finally:
        await turns(count)


@scenario("races.sleep")
async def _():
    """Three sleeps of zero."""

    async def case(_):
        await turns(3)

    await at_every_turn(5, case)


@scenario("races.future")
async def _():
    """A future that gets its result at turn 2."""

    async def case(children):
        target = future(children)
        after(2, finish(target))
        await target

    await at_every_turn(6, case)


@scenario("races.future_with_error")
async def _():
    """A future that gets an error at turn 2."""

    async def case(children):
        target = future(children)
        after(2, lambda: target.done() or target.set_exception(ValueError("failed")))
        await target

    await at_every_turn(6, case)


@scenario("races.future_cancelled")
async def _():
    """A future that is cancelled at turn 2."""

    async def case(children):
        target = future(children)
        after(2, target.cancel)
        await target

    await at_every_turn(6, case)


@scenario("races.task")
async def _():
    """A task that takes two turns."""

    async def case(children):
        await child(children, turns(2))

    await at_every_turn(6, case)


@scenario("races.task_with_error")
async def _():
    """A task that fails at turn 2."""

    async def case(children):
        await child(children, fail_after(2))

    await at_every_turn(6, case)


@scenario("races.nested_tasks")
async def _():
    """A task that awaits a task that awaits a task."""

    async def level(children, depth):
        if depth == 0:
            await turns(1)
        else:
            await child(children, level(children, depth - 1))

    async def case(children):
        await level(children, 3)

    await at_every_turn(9, case)


@scenario("races.stubborn_task")
async def _():
    """A task that refuses to be cancelled and takes two more turns."""

    async def case(children):
        await child(children, stubborn(2))

    await at_every_turn(9, case)


@scenario("races.slow_task")
async def _():
    """A task that cleans up for two turns."""

    async def case(children):
        await child(children, slow_to_go(2))

    await at_every_turn(11, case)


@scenario("races.gather")
async def _():
    """gather() of two tasks."""

    async def case(children):
        await asyncio.gather(child(children, turns(1)), child(children, turns(3)))

    await at_every_turn(8, case)


@scenario("races.gather_return_exceptions")
async def _():
    """gather(return_exceptions=True) of a task and one that fails."""

    async def case(children):
        await asyncio.gather(
            child(children, fail_after(1)), child(children, turns(3)), return_exceptions=True
        )

    await at_every_turn(8, case)


@scenario("races.gather_with_error")
async def _():
    """gather() of a task that fails and one that takes longer."""

    async def case(children):
        await asyncio.gather(child(children, fail_after(1)), child(children, turns(3)))

    await at_every_turn(7, case)


@scenario("races.gather_of_futures")
async def _():
    """gather() of two futures."""

    async def case(children):
        first, second = future(children), future(children)
        after(1, finish(first))
        after(2, finish(second))
        await asyncio.gather(first, second)

    await at_every_turn(7, case)


@scenario("races.gather_of_done", since=(3, 12))
async def _():
    """gather() of futures that are done."""

    async def case(children):
        first, second = future(children), future(children)
        finish(first)()
        finish(second)()
        await asyncio.gather(first, second)

    await at_every_turn(4, case)


@scenario("races.gather_of_slow_tasks")
async def _():
    """gather() of tasks that clean up for some turns."""

    async def case(children):
        await asyncio.gather(child(children, slow_to_go(1)), child(children, slow_to_go(3)))

    await at_every_turn(10, case)


@scenario("races.gather_of_slow_tasks_return_exceptions")
async def _():
    """gather(return_exceptions=True) of tasks that clean up for some turns."""

    async def case(children):
        await asyncio.gather(
            child(children, slow_to_go(1)), child(children, slow_to_go(3)), return_exceptions=True
        )

    await at_every_turn(10, case)


@scenario("races.gather_of_stubborn_tasks")
async def _():
    """gather() of tasks that refuse to be cancelled."""

    async def case(children):
        await asyncio.gather(child(children, stubborn(1)), child(children, stubborn(3)))

    await at_every_turn(9, case)


@scenario("races.shield_of_a_task")
async def _():
    """shield() of a task."""

    async def case(children):
        await asyncio.shield(child(children, turns(3)))

    await at_every_turn(8, case)


@scenario("races.shield_of_a_future")
async def _():
    """shield() of a future."""

    async def case(children):
        target = future(children)
        after(2, finish(target))
        await asyncio.shield(target)

    await at_every_turn(7, case)


@scenario("races.shield_of_a_failing_task")
async def _():
    """shield() of a task that fails."""

    async def case(children):
        await asyncio.shield(child(children, fail_after(2)))

    await at_every_turn(7, case)


@scenario("races.shield_of_gather")
async def _():
    """shield() of a gather."""

    async def case(children):
        await asyncio.shield(
            asyncio.gather(child(children, turns(1)), child(children, turns(2)))
        )

    await at_every_turn(8, case)


@scenario("races.gather_of_shields")
async def _():
    """gather() of shields."""

    async def case(children):
        await asyncio.gather(
            asyncio.shield(child(children, turns(1))), asyncio.shield(child(children, turns(2)))
        )

    await at_every_turn(8, case)


@scenario("races.wait_all")
async def _():
    """wait() for two tasks."""

    async def case(children):
        await asyncio.wait([child(children, turns(1)), child(children, turns(3))])

    await at_every_turn(8, case)


@scenario("races.wait_first_completed")
async def _():
    """wait(FIRST_COMPLETED) for two tasks."""

    async def case(children):
        await asyncio.wait(
            [child(children, turns(1)), child(children, turns(3))],
            return_when=asyncio.FIRST_COMPLETED,
        )

    await at_every_turn(6, case)


@scenario("races.wait_first_exception")
async def _():
    """wait(FIRST_EXCEPTION) for two tasks one of which fails."""

    async def case(children):
        await asyncio.wait(
            [child(children, fail_after(1)), child(children, turns(3))],
            return_when=asyncio.FIRST_EXCEPTION,
        )

    await at_every_turn(6, case)


@scenario("races.as_completed")
async def _():
    """as_completed() of two tasks, to the end."""

    async def case(children):
        for step in asyncio.as_completed([child(children, turns(1)), child(children, turns(3))]):
            await step

    await at_every_turn(8, case)


@scenario("races.wait_for_coroutine", since=(3, 12))
async def _():
    """wait_for() of a coroutine."""

    async def case(_):
        await asyncio.wait_for(turns(2), 1)

    await at_every_turn(5, case)


@scenario("races.wait_for_task", since=(3, 12))
async def _():
    """wait_for() of a task."""

    async def case(children):
        await asyncio.wait_for(child(children, turns(2)), 1)

    await at_every_turn(6, case)


@scenario("races.wait_for_slow_task", since=(3, 12))
async def _():
    """wait_for() of a task that cleans up for two turns."""

    async def case(children):
        await asyncio.wait_for(child(children, slow_to_go(2)), 1)

    await at_every_turn(11, case)


@scenario("races.wait_for_zero", since=(3, 12))
async def _():
    """wait_for() of a task with a limit of zero."""

    async def case(children):
        task = child(children, slow_to_go(2))
        await turns(1)
        await asyncio.wait_for(task, 0)

    await at_every_turn(8, case)


@scenario("races.timeout")
async def _():
    """A timeout() that does not fire."""

    async def case(children):
        async with asyncio.timeout(1):
            await child(children, turns(2))

    await at_every_turn(6, case)


@scenario("races.timeout_that_fires", since=(3, 13))
async def _():
    """A timeout() that fires at once."""

    async def case(children):
        async with asyncio.timeout(0):
            await child(children, turns(4))

    await at_every_turn(6, case)


@scenario("races.timeout_and_cleanup", since=(3, 13))
async def _():
    """A timeout() that fires at once, around a task that cleans up for two turns."""

    async def case(children):
        async with asyncio.timeout(0):
            await child(children, slow_to_go(2))

    await at_every_turn(8, case)


@scenario("races.nested_timeouts", since=(3, 13))
async def _():
    """Two timeouts, one in the other, both fire at once."""

    async def case(children):
        async with asyncio.timeout(0):
            async with asyncio.timeout(0):
                await child(children, turns(4))

    await at_every_turn(6, case)


@scenario("races.task_group", since=(3, 13))
async def _():
    """A group of two tasks."""

    async def case(children):
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(turns(1)))
            children.append(group.create_task(turns(3)))

    await at_every_turn(7, case)


@scenario("races.task_group_with_body", since=(3, 13))
async def _():
    """A group whose body takes longer than its task."""

    async def case(children):
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(turns(1)))
            await turns(3)

    await at_every_turn(6, case)


@scenario("races.task_group_with_error", since=(3, 13))
async def _():
    """A group one of whose tasks fails while the body runs."""

    async def case(children):
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(fail_after(1)))
            children.append(group.create_task(slow_to_go(1)))
            await turns(4)

    await at_every_turn(9, case)


@scenario("races.task_group_with_late_error", since=(3, 13))
async def _():
    """A group one of whose tasks fails while it waits."""

    async def case(children):
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(fail_after(2)))
            children.append(group.create_task(slow_to_go(2)))

    await at_every_turn(9, case)


@scenario("races.task_group_with_failing_body", since=(3, 13))
async def _():
    """A group whose body fails."""

    async def case(children):
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(slow_to_go(2)))
            await fail_after(1)

    await at_every_turn(8, case)


@scenario("races.nested_task_groups", since=(3, 13))
async def _():
    """A group in a group, the inner one with a task that fails."""

    async def case(children):
        async with asyncio.TaskGroup() as outer:
            children.append(outer.create_task(turns(5)))
            async with asyncio.TaskGroup() as inner:
                children.append(inner.create_task(fail_after(2)))
                children.append(inner.create_task(turns(5)))

    await at_every_turn(8, case)


@scenario("races.lock", since=(3, 13))
async def _():
    """A lock that is released at turn 2."""

    async def case(_):
        lock = asyncio.Lock()
        await lock.acquire()
        after(2, lock.release)
        try:
            await lock.acquire()
        finally:
            log("locked", lock.locked())

    await at_every_turn(6, case)


@scenario("races.event", since=(3, 13))
async def _():
    """An event that is set at turn 2."""

    async def case(_):
        event = asyncio.Event()
        after(2, event.set)
        await event.wait()

    await at_every_turn(6, case)


@scenario("races.semaphore", since=(3, 13))
async def _():
    """A semaphore that is released at turn 2."""

    async def case(_):
        semaphore = asyncio.Semaphore(0)
        after(2, semaphore.release)
        try:
            await semaphore.acquire()
        finally:
            log("locked", semaphore.locked())

    await at_every_turn(6, case)


@scenario("races.condition", since=(3, 13))
async def _():
    """A condition that is notified at turn 2."""

    async def case(_):
        condition = asyncio.Condition()

        async def notify():
            await turns(2)
            async with condition:
                condition.notify()

        asyncio.create_task(notify())
        await condition.acquire()
        try:
            await condition.wait()
        finally:
            log("locked", condition.locked())
            condition.release()

    await at_every_turn(8, case)


@scenario("races.queue_get", since=(3, 13))
async def _():
    """An item that is put at turn 2: it is got, or still there."""

    async def case(_):
        queue = asyncio.Queue()
        after(2, lambda: queue.put_nowait("item"))
        try:
            await queue.get()
        finally:
            log("items", queue.qsize())

    await at_every_turn(6, case)


@scenario("races.queue_put", since=(3, 13))
async def _():
    """Room that is made at turn 2: it is used, or still there."""

    async def case(_):
        queue = asyncio.Queue(1)
        queue.put_nowait("first")
        after(2, queue.get_nowait)
        try:
            await queue.put("second")
        finally:
            log("items", queue.qsize())

    await at_every_turn(6, case)


@scenario("races.queue_join", since=(3, 13))
async def _():
    """A queue whose last item is done at turn 2."""

    async def case(_):
        queue = asyncio.Queue()
        queue.put_nowait("item")
        after(2, queue.task_done)
        await queue.join()

    await at_every_turn(6, case)


@scenario("races.result_against_cancel")
async def _():
    """A result set at turn a, a cancellation at turn b."""
    for a in range(4):
        for b in range(4):
            target = loop_future()
            task = asyncio.create_task(asyncio.wait([target]) if a == b else turns_then(target))
            after(a, finish(target))
            after(b, task.cancel)
            count = await until_done(task)
            log(a, b, "turns", count, outcome(task), state(target))
            await turns(5)


async def turns_then(target):
    await turns(1)
    await target


@scenario("races.two_cancels")
async def _():
    """Two cancellations, at turns a and b, of a task that cleans up."""
    for a in range(4):
        for b in range(a, 7):
            task = asyncio.create_task(slow_to_go(2))
            await turns(a)
            first = task.cancel()
            await turns(b - a)
            second = task.cancel()
            count = await until_done(task)
            log(a, b, first, second, "turns", count, outcome(task), task.cancelling())


@scenario("races.cancel_and_uncancel", since=(3, 13))
async def _():
    """A cancellation at each turn that is taken back at once."""
    for k in range(6):
        target = loop_future()
        after(2, finish(target))
        task = asyncio.create_task(turns_then(target))
        await turns(k)
        task.cancel()
        left = task.uncancel()
        count = await until_done(task)
        log(k, left, "turns", count, outcome(task), task.cancelling(), state(target))
        await turns(4)


if __name__ == "__main__":
    run_scenarios()
