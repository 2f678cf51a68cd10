"""wait: until some, or all, of several futures are done."""

import asyncio

from scenario import (
    ended,
    error,
    fail,
    log,
    loop_future,
    now,
    run_scenarios,
    scenario,
    turns,
    value,
)


async def sleeper(name, delay):
    await asyncio.sleep(delay)
    return name


def sleepers(**delays):
    return [asyncio.create_task(sleeper(*each), name=each[0]) for each in delays.items()]


def names(tasks):
    return sorted(task.get_name() for task in tasks)


def log_parts(done, pending):
    log("done", names(done), "pending", names(pending), "at", now())


async def dispose(tasks):
    for task in tasks:
        task.cancel()
    await turns(2)


@scenario("wait.all_completed")
async def _():
    """It waits for all, and gives those that are done and those that are not."""
    tasks = sleepers(a=0.1, b=0.15)
    log_parts(*await asyncio.wait(tasks))
    log(sorted(task.result() for task in tasks))
    log_parts(*await asyncio.wait(tasks))


@scenario("wait.first_completed")
async def _():
    """FIRST_COMPLETED: it ends with the first, and cancels nobody."""
    tasks = sleepers(a=10, b=0.1)
    log_parts(*await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
    log(tasks[0].cancelled(), tasks[0].cancelling())
    await dispose(tasks)


@scenario("wait.really_done")
async def _():
    """A task that ends while the wait is on its way out counts as done."""

    async def coro1():
        await asyncio.sleep(0)

    async def coro2():
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    tasks = [
        asyncio.create_task(coro1(), name="a"),
        asyncio.create_task(coro2(), name="b"),
    ]
    log_parts(*await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))


@scenario("wait.first_exception")
async def _():
    """FIRST_EXCEPTION: it ends with the first error, which it does not raise."""
    slow = sleepers(a=10)[0]
    bad = asyncio.create_task(fail("bad"), name="b")
    parts = await asyncio.wait([slow, bad], return_when=asyncio.FIRST_EXCEPTION)
    log_parts(*parts)
    log(error(bad.exception()))
    await dispose([slow])


@scenario("wait.first_exception_in_wait")
async def _():
    """FIRST_EXCEPTION: an error that comes during the wait ends it."""

    async def failing():
        await asyncio.sleep(0.01)
        raise ZeroDivisionError("late")

    slow = sleepers(a=10)[0]
    bad = asyncio.create_task(failing(), name="b")
    log_parts(*await asyncio.wait([slow, bad], return_when=asyncio.FIRST_EXCEPTION))
    await dispose([slow])
    bad.exception()


@scenario("wait.first_exception_ignores_cancelled")
async def _():
    """FIRST_EXCEPTION: a task that is cancelled is not an error."""
    tasks = sleepers(a=10, b=1)
    asyncio.get_running_loop().call_later(0.5, tasks[0].cancel)
    log_parts(*await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))


@scenario("wait.first_exception_without_one")
async def _():
    """FIRST_EXCEPTION without an error is as ALL_COMPLETED."""
    log_parts(*await asyncio.wait(sleepers(a=1, b=2), return_when=asyncio.FIRST_EXCEPTION))


@scenario("wait.with_exception")
async def _():
    """ALL_COMPLETED: errors do not end it, and are not raised."""

    async def failing():
        await asyncio.sleep(0.15)
        raise ValueError("bad")

    good = sleepers(a=0.2)[0]
    bad = asyncio.create_task(failing(), name="b")
    log_parts(*await asyncio.wait([good, bad]))
    log(error(bad.exception()))


@scenario("wait.with_timeout")
async def _():
    """A timeout is no error: those that are not done are pending, and go on."""
    tasks = sleepers(a=0.1, b=0.15)
    log_parts(*await asyncio.wait(tasks, timeout=0.11))
    log(await tasks[1], now())


@scenario("wait.timeout_not_used")
async def _():
    """A timeout that was not needed leaves no timer behind."""
    log_parts(*await asyncio.wait(sleepers(a=1), timeout=100))
    await asyncio.sleep(1)
    log(now())


@scenario("wait.timeout_of_zero")
async def _():
    """A timeout of zero looks once, after a turn of the loop."""
    ready, slow = asyncio.create_task(value(1), name="ready"), sleepers(slow=1)[0]
    log_parts(*await asyncio.wait([ready, slow], timeout=0))
    await dispose([slow])


@scenario("wait.concurrent_complete")
async def _():
    """Tasks that end at the time of the timeout."""
    tasks = sleepers(a=0.1, b=0.15)
    log_parts(*await asyncio.wait(tasks, timeout=0.1))
    await dispose(tasks)


@scenario("wait.duplicates")
async def _():
    """A task that is given twice counts once."""
    task = asyncio.create_task(value("x"), name="x")
    log_parts(*await asyncio.wait([task, task]))


@scenario("wait.futures")
async def _():
    """Plain futures may be waited for."""
    a, b = loop_future(), loop_future()
    asyncio.get_running_loop().call_later(1, a.set_result, 1)
    done, pending = await asyncio.wait([a, b], return_when=asyncio.FIRST_COMPLETED)
    log(a in done, b in pending, len(done), len(pending))


@scenario("wait.generator")
async def _():
    """Any range of tasks may be given."""
    log_parts(*await asyncio.wait({task for task in sleepers(a=1, b=2)}))


@scenario("wait.empty")
async def _():
    """Nothing to wait for is a ValueError."""
    log(await ended(asyncio.wait([])))


@scenario("wait.done_before")
async def _():
    """All done before: it takes the same turns as if they ended now."""
    task = asyncio.create_task(value(1), name="a")
    await task
    loop = asyncio.get_running_loop()
    loop.call_soon(log, "a turn")
    log_parts(*await asyncio.wait([task]))


@scenario("wait.cancel")
async def _():
    """Cancelling the task that waits leaves alone what it waits for."""
    tasks = sleepers(a=1, b=2)
    waiter = asyncio.create_task(asyncio.wait(tasks))
    await asyncio.sleep(0.5)
    waiter.cancel()
    log(await ended(waiter), now())
    log([task.done() for task in tasks], [task.cancelling() for task in tasks])
    await asyncio.sleep(2)
    log([task.result() for task in tasks])


@scenario("wait.cancel_with_timeout")
async def _():
    """A wait that is cancelled takes its timer with it."""
    task = sleepers(a=10)[0]
    waiter = asyncio.create_task(asyncio.wait([task], timeout=5))
    await asyncio.sleep(1)
    waiter.cancel()
    log(await ended(waiter))
    await asyncio.sleep(1)
    log(now())
    await dispose([task])


@scenario("wait.child_done_and_cancelled_at_once")
async def _():
    """A future that ends in the turn in which the wait is cancelled: the cancellation wins."""
    future = loop_future()
    waiter = asyncio.create_task(asyncio.wait([future]))
    await asyncio.sleep(0)
    future.set_result("kept")
    waiter.cancel()
    log(await ended(waiter))
    log(future.result())


@scenario("wait.loop_until_all_are_done")
async def _():
    """The usual loop: take what is done, wait for the rest."""
    pending = set(sleepers(a=3, b=1, c=2))
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        log_parts(done, pending)


@scenario("wait.several_waits")
async def _():
    """Two tasks may wait for the same ones."""
    tasks = sleepers(a=1, b=2)

    async def waiter(when):
        log_parts(*await asyncio.wait(tasks, return_when=when))

    await asyncio.gather(waiter(asyncio.ALL_COMPLETED), waiter(asyncio.FIRST_COMPLETED))


if __name__ == "__main__":
    run_scenarios()
