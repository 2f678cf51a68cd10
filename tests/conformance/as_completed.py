"""as_completed: results in the order in which they come."""

import asyncio

from scenario import (
    collect,
    ended,
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


async def sleeper(name, delay):
    await asyncio.sleep(delay)
    return name


@scenario("as_completed.order")
async def _():
    """Results come in the order of the ends, each at its time."""
    for step in asyncio.as_completed([sleeper("a", 0.1), sleeper("b", 0.15), sleeper("c", 0.05)]):
        log(await step, now())


@scenario("as_completed.as_many_as_inputs")
async def _():
    """There are as many steps as awaitables; none for none."""
    log(len(list(asyncio.as_completed([]))))
    steps = list(asyncio.as_completed([value(1), value(2), value(3)]))
    log(len(steps))
    for step in steps:
        await step


@scenario("as_completed.starts_at_the_call")
async def _():
    """Coroutines run from the call on, not from the first step."""

    async def work():
        log("runs")
        return "result"

    steps = list(asyncio.as_completed([work()]))
    await turns(2)
    log("first step")
    log(await steps[0])


@scenario("as_completed.errors")
async def _():
    """A step raises what its awaitable raised; the others come as they are."""

    async def failing():
        await asyncio.sleep(1)
        raise ValueError("bad")

    for step in asyncio.as_completed([sleeper("late", 2), failing(), sleeper("early", 0.5)]):
        log(await ended(step), now())


@scenario("as_completed.cancelled_input")
async def _():
    """A step of an awaitable that was cancelled raises CancelledError."""
    future = loop_future()
    asyncio.get_running_loop().call_later(1, future.cancel)
    for step in asyncio.as_completed([future, asyncio.create_task(sleeper("good", 2))]):
        log(await ended(step), now())
    log(asyncio.current_task().cancelling())


@scenario("as_completed.with_timeout")
async def _():
    """Once the time is up each step that is left raises TimeoutError; nobody is cancelled."""
    a = asyncio.create_task(sleeper("a", 0.1))
    b = asyncio.create_task(sleeper("b", 0.15))
    for step in asyncio.as_completed([a, b], timeout=0.12):
        log(await ended(step), now())
    log(b.done(), b.cancelling())
    log(await b, now())


@scenario("as_completed.with_unused_timeout")
async def _():
    """A timeout that is not needed leaves no timer behind."""
    for step in asyncio.as_completed([sleeper("a", 0.5)], timeout=10):
        log(await step, now())
    await asyncio.sleep(1)
    log(now())


@scenario("as_completed.timeout_with_several_left")
async def _():
    """All steps that are left raise TimeoutError at once."""
    tasks = [asyncio.create_task(sleeper(name, 10)) for name in "abc"]
    for step in asyncio.as_completed(tasks, timeout=1):
        log(await ended(step), now())
    for task in tasks:
        task.cancel()
    await turns(2)


@scenario("as_completed.reverse_wait")
async def _():
    """Steps may be awaited in any order: who awaits first gets what comes first."""
    steps = list(asyncio.as_completed([sleeper("a", 0.05), sleeper("b", 0.1)]))
    log(await steps[1], now())
    log(await steps[0], now())


@scenario("as_completed.concurrent")
async def _():
    """Steps may be awaited by several tasks at once."""

    async def waiter(name, step):
        log(name, await step, now())

    steps = asyncio.as_completed([sleeper("late", 0.1), sleeper("early", 0.05)])
    await asyncio.gather(*[waiter(str(i), step) for i, step in enumerate(steps)])


@scenario("as_completed.duplicates")
async def _():
    """A task that is given twice counts once."""
    task = asyncio.create_task(value("once"))
    results = [await step for step in asyncio.as_completed([task, task])]
    log(results)


@scenario("as_completed.done_before")
async def _():
    """Inputs that are done come first, in the order given."""
    futures = [loop_future() for _ in range(3)]
    futures[2].set_result("done before")
    asyncio.get_running_loop().call_later(1, futures[0].set_result, "first")
    asyncio.get_running_loop().call_later(2, futures[1].set_result, "second")
    for step in asyncio.as_completed(futures):
        log(await step, now())


@scenario("as_completed.cancel_the_waiter")
async def _():
    """Cancelling the task that awaits a step cancels none of the inputs."""
    task = asyncio.create_task(sleeper("kept", 2))

    async def waiter():
        for step in asyncio.as_completed([task]):
            await step

    waiting = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    waiting.cancel()
    log(await ended(waiting), task.cancelling())
    log(await task, now())


@scenario("as_completed.stop_early")
async def _():
    """Who stops early leaves the others running."""
    tasks = [asyncio.create_task(sleeper(name, delay)) for name, delay in (("a", 1), ("b", 2))]
    for step in asyncio.as_completed(tasks):
        log(await step)
        break
    log([task.done() for task in tasks])
    log(await tasks[1])


@scenario("as_completed.resume_iterator")
async def _():
    """Who stopped may go on where he was."""
    steps = iter(asyncio.as_completed([sleeper("a", 1), sleeper("b", 2), sleeper("c", 3)]))
    for step in steps:
        log(await step, now())
        break
    log("later")
    for step in steps:
        log(await step, now())


@scenario("as_completed.same_tasks_in_as_out", since=(3, 13))
async def _():
    """It can give the tasks themselves, in the order of their ends."""
    tasks = [
        asyncio.create_task(sleeper("a", 2), name="a"),
        asyncio.create_task(sleeper("b", 1), name="b"),
    ]
    async for task in asyncio.as_completed(tasks):
        log(task.get_name(), task.result(), task in tasks, now())


@scenario("as_completed.later_than_done")
async def _():
    """Results that came meanwhile are there at once, in the order in which they came."""
    steps = list(asyncio.as_completed([sleeper("a", 3), sleeper("b", 1), sleeper("c", 2)]))
    await asyncio.sleep(5)
    asyncio.get_running_loop().call_soon(log, "a turn")
    for step in steps:
        log(await step, now())
    await asyncio.sleep(0)


@scenario("as_completed.unretrieved")
async def _():
    """The error of an input that nobody took is reported as that input's."""
    log_reports()
    steps = list(asyncio.as_completed([fail("lost")]))
    await turns(2)
    await ended(asyncio.sleep(1))
    log("before")
    log(await ended(steps[0]))
    del steps
    collect()
    log("end")


if __name__ == "__main__":
    run_scenarios()
