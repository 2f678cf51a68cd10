"""gather: several awaitables at once, one result in the order of the arguments."""

import asyncio

from scenario import (
    call,
    collect,
    ended,
    error,
    fail,
    log,
    log_reports,
    loop_future,
    now,
    run_scenarios,
    scenario,
    turns,
    value,
)


@scenario("gather.success")
async def _():
    """Results come in the order of the arguments, whatever the order of the ends."""
    a, b, c = loop_future(), loop_future(), loop_future()
    both = asyncio.gather(a, b, c)
    c.set_result(3)
    a.set_result(1)
    await turns(1)
    log(both.done())
    b.set_result(2)
    await turns(1)
    log(both.done())
    log(await both)


@scenario("gather.coroutines")
async def _():
    """Coroutines become tasks at the call, and start in the order of the arguments."""

    async def work(name, delay):
        log("start", name)
        await asyncio.sleep(delay)
        log("end", name)
        return name

    outer = asyncio.gather(work("a", 2), work("b", 1))
    log("called")
    log(await outer, now())


@scenario("gather.heterogenous_arguments")
async def _():
    """Futures, tasks and coroutines may be mixed."""
    future = loop_future()
    task = asyncio.create_task(value("task"))
    outer = asyncio.gather(future, task, value("coroutine"))
    future.set_result("future")
    log(await outer)


@scenario("gather.empty")
async def _():
    """Without arguments it is done at once, with an empty list."""
    outer = asyncio.gather()
    log(outer.done())
    log(await asyncio.gather(*[]))


@scenario("gather.duplicates")
async def _():
    """The same future given twice is awaited once and has its result in both places."""
    task = asyncio.create_task(value(7))
    log(await asyncio.gather(task, task))


@scenario("gather.done_children")
async def _():
    """Children that are done count at the call."""
    future, other = loop_future(), loop_future()
    future.set_result(1)
    other.set_result(2)
    outer = asyncio.gather(future, other)
    await turns(1)
    log(outer.done())
    log(await outer)


@scenario("gather.one_exception")
async def _():
    """The first error ends it at once; the others are not cancelled, and run on."""
    a, b, c = loop_future(), loop_future(), loop_future()
    outer = asyncio.gather(a, b, c)
    b.set_exception(ValueError("b"))
    await turns(1)
    log(outer.done(), a.done(), c.done())
    a.set_result(1)
    c.cancel()
    log(await ended(outer))
    log(a.result(), c.cancelled(), outer.cancelled())


@scenario("gather.first_of_two_errors")
async def _():
    """Of two errors the one that came first is raised; the other one is not reported."""
    log_reports()

    async def late_failure():
        await asyncio.sleep(2)
        log("late failure")
        raise ValueError("late")

    async def early_failure():
        await asyncio.sleep(1)
        raise ValueError("early")

    log(await ended(asyncio.gather(late_failure(), early_failure())), now())
    await asyncio.sleep(2)
    collect()
    log("end")


@scenario("gather.siblings_go_on")
async def _():
    """After an error the siblings go on to their ends."""

    async def sibling():
        await asyncio.sleep(1)
        log("sibling done")
        return 1

    task = asyncio.create_task(sibling())
    outer = asyncio.gather(task, fail("bad"))
    log(await ended(outer))
    log(task.done(), task.cancelled(), outer.cancel())
    log(await task)


@scenario("gather.return_exceptions")
async def _():
    """With return_exceptions errors are results, and it waits for all."""
    a, b, c, d = (loop_future() for _ in range(4))
    outer = asyncio.gather(a, b, c, d, return_exceptions=True)
    a.set_exception(RuntimeError("a"))
    b.set_result(2)
    await turns(1)
    log(outer.done())
    c.set_exception(ValueError("c"))
    d.set_result(4)
    results = await outer
    log(error(results[0]), results[1], error(results[2]), results[3])


@scenario("gather.return_exceptions_cancelled_child")
async def _():
    """With return_exceptions a cancelled child is a CancelledError among the results."""
    a, b = loop_future(), loop_future()
    outer = asyncio.gather(a, b, return_exceptions=True)
    a.cancel()
    await turns(1)
    log(outer.done())
    b.set_result(2)
    results = await outer
    log(error(results[0]), results[1])


@scenario("gather.one_cancellation")
async def _():
    """A cancelled child is an error like others: the outer future raises, but is not cancelled."""
    a, b = loop_future(), loop_future()
    outer = asyncio.gather(a, b)
    a.cancel()
    await turns(1)
    log(outer.done(), outer.cancelled(), b.done())
    log(await ended(outer))
    b.cancel()


@scenario("gather.child_raises_cancelled_error")
async def _():
    """A child that raises CancelledError of its own counts as cancelled."""

    async def work():
        raise asyncio.CancelledError

    outer = asyncio.gather(work(), value(1))
    log(await ended(outer), outer.cancelled())


@scenario("gather.cancel")
async def _():
    """Cancelling it cancels every child; it ends when they have."""
    a, b = loop_future(), loop_future()
    outer = asyncio.gather(a, b)
    log(outer.cancel(), outer.done(), a.cancelled(), b.cancelled())
    log(await ended(outer))
    log(outer.cancelled(), outer.done(), outer.cancel())


@scenario("gather.cancellation_broadcast")
async def _():
    """Cancelling the task that awaits it cancels every child and then the task."""
    proof = 0

    async def inner():
        nonlocal proof
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            proof += 1
            raise

    async def outer():
        nonlocal proof
        try:
            await asyncio.gather(*children)
        except asyncio.CancelledError:
            proof += 100
            raise

    children = [asyncio.create_task(inner()) for _ in range(2)]
    task = asyncio.create_task(outer())
    await turns(2)
    log(task.cancel())
    log(await ended(task))
    log(proof, task.cancelled(), [child.cancelled() for child in children])


@scenario("gather.cancel_with_done_child")
async def _():
    """Cancelling it leaves alone the children that are done."""
    a, b = loop_future(), loop_future()
    outer = asyncio.gather(a, b)
    a.set_result(1)
    await turns(1)
    log(outer.cancel(), a.cancelled(), b.cancelled())
    log(await ended(outer))


@scenario("gather.cancel_after_the_last_child")
async def _():
    """Cancelling it when all children are done, but not counted yet, does nothing."""
    a = loop_future()
    outer = asyncio.gather(a)
    a.set_result("kept")
    log(outer.cancel())
    log(await ended(outer))


@scenario("gather.cancel_a_child_that_refuses")
async def _():
    """When the children swallow the cancellation, the gather still ends with CancelledError."""

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("refused")
        return "value"

    outer = asyncio.gather(stubborn(), stubborn())
    await turns(1)
    log(outer.cancel())
    log(await ended(outer), outer.cancelled())


@scenario("gather.cancel_with_return_exceptions")
async def _():
    """With return_exceptions, too, a cancelled gather ends with CancelledError, after all."""

    async def slow_to_go(delay):
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(delay)
            log("gone at", now())

    outer = asyncio.gather(slow_to_go(1), slow_to_go(2), return_exceptions=True)
    await turns(1)
    outer.cancel()
    log(await ended(outer), outer.cancelled(), now())


@scenario("gather.cancel_waits_for_the_first")
async def _():
    """Without return_exceptions a cancelled gather ends with the first child that is cancelled."""

    async def slow_to_go(delay):
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(delay)
            log("gone at", now())

    outer = asyncio.gather(slow_to_go(2), slow_to_go(1))
    await turns(1)
    outer.cancel()
    log(await ended(outer), now())
    await asyncio.sleep(2)


@scenario("gather.cancel_gather_1")
async def _():
    """A gather that is cancelled while its child ends still raises CancelledError."""

    async def create():
        await event
        return 1

    event = loop_future()
    child = asyncio.create_task(create())
    gathering = asyncio.gather(child)
    await turns(1)
    event.set_result(None)
    log(gathering.cancel())
    log(await ended(gathering))
    log(child.cancelled())


@scenario("gather.cancel_message")
async def _():
    """The message of the cancellation reaches the children."""

    async def work():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as exception:
            log(error(exception))
            raise

    outer = asyncio.gather(work())
    await turns(1)
    outer.cancel("my message")
    await ended(outer)


@scenario("gather.exception_marking")
async def _():
    """Errors of the children that come after the first are not reported."""
    log_reports()

    async def failing(delay):
        await asyncio.sleep(delay)
        raise ValueError(delay)

    outer = asyncio.gather(failing(1), failing(2), failing(3))
    log(await ended(outer))
    await asyncio.sleep(5)
    del outer
    collect()
    log("end")


@scenario("gather.unretrieved")
async def _():
    """The error of a gather that nobody awaited is reported."""
    log_reports()
    outer = asyncio.gather(fail("lost"))
    await turns(3)
    del outer
    collect()
    log("end")


@scenario("gather.dropped")
async def _():
    """Children of a gather that nobody keeps run on."""

    async def work():
        await asyncio.sleep(1)
        log("ran")

    asyncio.gather(work())
    await asyncio.sleep(2)


@scenario("gather.issue46672")
async def _():
    """A child that is done already and failed may stand behind one that is not."""

    async def work():
        await asyncio.sleep(0)
        return 1

    future = loop_future()
    future.set_exception(ValueError("done before"))
    log(await ended(asyncio.gather(work(), future)))
    await turns(2)


@scenario("gather.nested")
async def _():
    """A gather may be a child of another one."""
    log(await asyncio.gather(asyncio.gather(value(1), value(2)), asyncio.gather(value(3))))


@scenario("gather.nested_cancel")
async def _():
    """A cancellation goes through nested gathers to every leaf."""
    leaves = [loop_future() for _ in range(3)]
    outer = asyncio.gather(asyncio.gather(leaves[0], leaves[1]), asyncio.gather(leaves[2]))
    log(outer.cancel(), [leaf.cancelled() for leaf in leaves])
    log(await ended(outer))


@scenario("gather.order_of_callbacks")
async def _():
    """The gather is told of its children in the order in which they end, between other callbacks."""
    a, b = loop_future(), loop_future()
    a.add_done_callback(lambda _: log("a, before"))
    outer = asyncio.gather(a, b)
    outer.add_done_callback(lambda _: log("outer"))
    b.add_done_callback(lambda _: log("b, after"))
    a.set_result(1)
    b.set_result(2)
    await turns(1)
    log("turn", outer.done())
    await turns(1)


@scenario("gather.awaiting_task_is_cancelled_in_time")
async def _():
    """The task that is cancelled in a gather goes on once the gather has ended."""

    async def slow_to_go():
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(1)

    async def work():
        await asyncio.gather(slow_to_go(), slow_to_go())

    task = asyncio.create_task(work())
    await turns(2)
    task.cancel()
    await asyncio.sleep(0.5)
    log(task.done())
    log(await ended(task), now())


@scenario("gather.result_of_a_pending_one")
async def _():
    """A gather is a future: its result is not there before its time."""
    outer = asyncio.gather(asyncio.sleep(1, "slept"))
    log(outer.done(), call(outer.result))
    await asyncio.sleep(2)
    log(outer.done(), outer.result())


if __name__ == "__main__":
    run_scenarios()
