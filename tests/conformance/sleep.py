"""sleep: how long, in which order, and how it ends when it is cancelled."""

import asyncio

from scenario import ended, log, now, run_scenarios, scenario, turns


@scenario("sleep.result")
async def _():
    """sleep(delay, result) waits, and gives the result."""
    log(await asyncio.sleep(0.5, "done"))
    log(now())
    log(await asyncio.sleep(0, 42), now())
    log(await ended(asyncio.sleep(1)), now())


@scenario("sleep.zero_yields_once")
async def _():
    """sleep(0) lets every other ready task run exactly once."""

    async def other():
        for i in range(3):
            log("other", i)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for i in range(3):
        log("main", i)
        await asyncio.sleep(0)
    await task
    log(now())


@scenario("sleep.negative_delay")
async def _():
    """A negative delay is as sleep(0): one turn, and no time."""
    order = asyncio.create_task(turns(1))
    await asyncio.sleep(-5)
    log(order.done(), now())
    await asyncio.sleep(0)
    log(order.done(), now())


@scenario("sleep.nan", since=(3, 13))
async def _():
    """A delay that is not a number is a ValueError."""
    try:
        await asyncio.sleep(float("nan"))
    except ValueError:
        log("ValueError")


@scenario("sleep.order_of_deadlines")
async def _():
    """Sleepers wake in the order of their deadlines, not of their creation."""

    async def sleeper(delay):
        await asyncio.sleep(delay)
        log(delay, now())

    await asyncio.gather(*[sleeper(delay) for delay in (0.3, 0.1, 0.2, 0.05)])


@scenario("sleep.cancel")
async def _():
    """Cancelling a sleeping task ends the sleep at once, and takes its timer with it."""

    async def sleeper():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("cancelled at", now())
            raise

    task = asyncio.create_task(sleeper())
    await asyncio.sleep(1)
    log(task.cancel())
    log(await ended(task), task.cancelled(), now())
    await asyncio.sleep(1)
    log(now())


@scenario("sleep.cancel_after_timer")
async def _():
    """A cancellation that comes after the timer, but before the task resumes, wins."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(asyncio.sleep(1, "result"))
    await asyncio.sleep(0)
    loop.call_at(1.0, lambda: log("cancel", task.cancel()))
    log(await ended(task), task.cancelled())


@scenario("sleep.cancel_zero")
async def _():
    """A sleep(0) that is cancelled ends the task at its next step."""

    async def yielder():
        try:
            await asyncio.sleep(0)
            log("not reached")
        except asyncio.CancelledError:
            log("caught")
            raise

    task = asyncio.create_task(yielder())
    await asyncio.sleep(0)
    log(task.cancel())
    log(task.cancelling())
    log(await ended(task))


if __name__ == "__main__":
    run_scenarios()
