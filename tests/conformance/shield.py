"""shield: cancelling the one who waits does not cancel what is waited for."""

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


@scenario("shield.result")
async def _():
    """It passes the result on."""
    inner = loop_future()
    outer = asyncio.shield(inner)
    inner.set_result(42)
    log(outer.done())
    log(await outer)


@scenario("shield.exception")
async def _():
    """It passes an error on."""
    inner = loop_future()
    outer = asyncio.shield(inner)
    inner.set_exception(RuntimeError("expected"))
    log(await ended(outer))


@scenario("shield.coroutine")
async def _():
    """A coroutine becomes a task at the call."""

    async def work():
        log("runs")
        return "result"

    outer = asyncio.shield(work())
    log("called")
    await turns(1)
    log("awaited")
    log(await outer)


@scenario("shield.cancel_inner")
async def _():
    """When the inner future is cancelled, so is the outer one, a turn later."""
    inner = loop_future()
    outer = asyncio.shield(inner)
    await turns(1)
    inner.cancel()
    log(outer.done())
    await turns(1)
    log(outer.cancelled())
    log(await ended(outer))


@scenario("shield.cancel_outer")
async def _():
    """Cancelling the outer future leaves the inner one alone."""
    inner = loop_future()
    outer = asyncio.shield(inner)
    await turns(1)
    log(outer.cancel(), outer.cancelled())
    await turns(2)
    log(inner.done(), inner.cancelled())
    inner.set_result("unheard")
    await turns(2)
    log(outer.cancelled(), inner.result())


@scenario("shield.shortcut")
async def _():
    """Of a future that is done it gives that future."""
    inner = loop_future()
    inner.set_result(42)
    outer = asyncio.shield(inner)
    log(outer.done(), outer is inner, await outer)


@scenario("shield.effect")
async def _():
    """Cancelling the task that awaits leaves the inner task running."""
    proof = 0

    async def inner():
        nonlocal proof
        await asyncio.sleep(1)
        proof += 1

    async def outer():
        nonlocal proof
        await asyncio.shield(inner())
        proof += 100

    task = asyncio.create_task(outer())
    await turns(2)
    task.cancel()
    log(await ended(task), task.cancelled(), now())
    await asyncio.sleep(2)
    log(proof)


@scenario("shield.gather")
async def _():
    """A shielded gather goes on when the shield is cancelled."""
    child1, child2 = loop_future(), loop_future()
    parent = asyncio.gather(child1, child2)
    outer = asyncio.shield(parent)
    await turns(1)
    outer.cancel()
    await turns(1)
    log(outer.cancelled(), parent.done())
    child1.set_result(1)
    child2.set_result(2)
    await turns(2)
    log(await parent)


@scenario("shield.gather_of_shields")
async def _():
    """A gather of shields that is cancelled leaves what is shielded alone."""
    child1, child2 = loop_future(), loop_future()
    parent = asyncio.gather(asyncio.shield(child1), asyncio.shield(child2))
    await turns(1)
    log(parent.cancel())
    log(await ended(parent))
    log(child1.done(), child2.done())
    child1.set_result(1)
    child2.set_result(2)
    await turns(2)


@scenario("shield.cancel_and_finish_at_once")
async def _():
    """Result and cancellation in the same turn: the cancellation wins, the result is kept."""
    inner = loop_future()

    async def waiter():
        return await asyncio.shield(inner)

    task = asyncio.create_task(waiter())
    await turns(1)
    inner.set_result("kept")
    task.cancel()
    log(await ended(task), inner.result())


@scenario("shield.wait_for_it_afterwards")
async def _():
    """Who was cancelled may await the inner task again, to the end."""

    async def work():
        await asyncio.sleep(2)
        return "saved"

    inner = asyncio.create_task(work())

    async def careful():
        try:
            return await asyncio.shield(inner)
        except asyncio.CancelledError:
            log("cancelled at", now())
            return await inner

    task = asyncio.create_task(careful())
    await asyncio.sleep(1)
    task.cancel()
    log(await ended(task), now())


@scenario("shield.inner_task_is_cancelled")
async def _():
    """Cancelling the inner task cancels the one who awaits the shield."""
    inner = asyncio.create_task(asyncio.sleep(10))

    async def waiter():
        await asyncio.shield(inner)

    task = asyncio.create_task(waiter())
    await turns(2)
    inner.cancel()
    log(await ended(task))
    log(task.cancelled(), task.cancelling(), inner.cancelled())


@scenario("shield.twice")
async def _():
    """Two shields of one task are independent."""
    inner = asyncio.create_task(asyncio.sleep(1, "result"))
    first, second = asyncio.shield(inner), asyncio.shield(inner)
    first.cancel()
    log(await ended(first), await ended(second))


@scenario("shield.nested")
async def _():
    """A shield of a shield."""
    inner = loop_future()
    outer = asyncio.shield(asyncio.shield(inner))
    inner.set_result("through both")
    log(await outer)


@scenario("shield.error_of_a_cancelled_one")
async def _():
    """The inner error after the shield was cancelled, when somebody still looks at it."""
    log_reports()
    inner = asyncio.create_task(fail("seen by its owner"))
    outer = asyncio.shield(inner)
    outer.cancel()
    log(await ended(inner))
    del inner, outer
    collect()
    log("end")


@scenario("shield.cancel_message")
async def _():
    """The message of the cancellation stays with the outer future."""
    inner = loop_future()
    outer = asyncio.shield(inner)
    outer.cancel("my message")
    log(await ended(outer))
    inner.set_result(1)


@scenario("shield.value")
async def _():
    """Several who await the same shield get the same value."""
    outer = asyncio.shield(value("shared"))
    log(await asyncio.gather(outer, outer))


if __name__ == "__main__":
    run_scenarios()
