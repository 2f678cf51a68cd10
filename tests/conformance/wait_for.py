"""wait_for: one awaitable with a time limit."""

import asyncio
import contextvars

from scenario import ended, log, now, run_scenarios, scenario, turns
from telling import cancelling, clock, deaf, failing, sleeper, state, states, stubborn


@scenario("wait_for.value")
async def _():
    """A coroutine that ends within the limit gives its value."""
    log(await asyncio.wait_for(sleeper("work", 0.5), 1))
    log(now())


@scenario("wait_for.no_limit")
async def _():
    """Without a limit it waits for ever."""
    log(await asyncio.wait_for(sleeper("work", 1000), None))
    log(await asyncio.wait_for(asyncio.create_task(sleeper("task", 1)), None))
    log(now())


@scenario("wait_for.timeout")
async def _():
    """When the limit passes, the coroutine is cancelled, and TimeoutError comes out."""
    log(await ended(asyncio.wait_for(sleeper("work", 10), 0.5)))
    log(f"{now()} {cancelling()}")


@scenario("wait_for.timeout_cancels_task")
async def _():
    """When the limit passes, the task is cancelled and has ended."""
    task = asyncio.create_task(sleeper("task", 10))
    log(await ended(asyncio.wait_for(task, 0.5)))
    log(f"{state(task)} {now()} {cancelling()}")


@scenario("wait_for.timeout_cancels_future")
async def _():
    """When the limit passes, a plain future is cancelled."""
    future = asyncio.get_running_loop().create_future()
    log(await ended(asyncio.wait_for(future, 0.5)))
    log(f"{state(future)} {now()}")


@scenario("wait_for.coroutine_runs_in_this_task", since=(3, 12))
async def _():
    """A coroutine runs in the caller's task, with a limit or without."""

    async def is_current(task):
        return asyncio.current_task() is task

    log(await ended(asyncio.wait_for(is_current(asyncio.current_task()), 1)))
    log(await ended(asyncio.wait_for(is_current(asyncio.current_task()), None)))


@scenario("wait_for.coroutine_shares_the_context", since=(3, 12))
async def _():
    """What a coroutine sets in its context is seen by the caller."""
    number = contextvars.ContextVar("number")

    async def change(value):
        number.set(value)

    await asyncio.wait_for(change(1), 1)
    log(number.get(0))
    await asyncio.wait_for(asyncio.create_task(change(2)), 1)
    log(number.get(0))


@scenario("wait_for.done_does_not_yield", since=(3, 12))
async def _():
    """A future that is done gives its result at once, whatever the limit."""
    ticking = asyncio.create_task(clock(3))
    future = asyncio.get_running_loop().create_future()
    future.set_result("set")
    log(await asyncio.wait_for(future, 1))
    log(await asyncio.wait_for(future, None))
    log(await asyncio.wait_for(future, 0))
    log(await asyncio.wait_for(future, -1))
    await ticking


@scenario("wait_for.zero_takes_a_done_result")
async def _():
    """With no time left, a future that failed or was cancelled still says so."""
    loop = asyncio.get_running_loop()
    failed, cancelled = loop.create_future(), loop.create_future()
    failed.set_exception(ValueError("failed"))
    cancelled.cancel()
    for limit in (0, -1, 1):
        log(await ended(asyncio.wait_for(failed, limit)))
        log(await ended(asyncio.wait_for(cancelled, limit)))


@scenario("wait_for.zero_does_not_start_a_coroutine")
async def _():
    """With no time left, a coroutine does not start."""
    for limit in (0, -1):
        log(await ended(asyncio.wait_for(sleeper("never", 0), limit)))
    log(now())


@scenario("wait_for.zero_cancels_a_running_task")
async def _():
    """With no time left, a running task is cancelled and waited for."""
    for limit in (0, -1):
        task = asyncio.create_task(sleeper("task", 10))
        await turns(1)
        log(await ended(asyncio.wait_for(task, limit)))
        log(f"{state(task)} {cancelling()}")


@scenario("wait_for.zero_waits_for_cleanup")
async def _():
    """With no time left, it still waits for the task to clean up."""
    task = asyncio.create_task(stubborn("task", 10, 2))
    await turns(1)
    log(await ended(asyncio.wait_for(task, 0)))
    log(f"{state(task)} {now()}")


@scenario("wait_for.zero_takes_what_the_task_gives")
async def _():
    """With no time left, a task that refuses the cancellation has the last word."""

    async def replaces():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise LookupError("instead") from None

    late, wrong = asyncio.create_task(deaf("late", 1)), asyncio.create_task(replaces())
    await turns(1)
    log(await ended(asyncio.wait_for(late, 0)))
    log(await ended(asyncio.wait_for(wrong, 0)))
    log(now())


@scenario("wait_for.zero_turns")
async def _():
    """How many turns a limit of zero takes."""
    task = asyncio.create_task(sleeper("task", 10))
    await turns(1)
    ticking = asyncio.create_task(clock(4))
    log(await ended(asyncio.wait_for(task, 0)))
    await ticking


@scenario("wait_for.result_set_by_callback")
async def _():
    """A result that a callback sets in the first turn is taken."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "ok")
    log(await asyncio.wait_for(future, 0.2))
    log(now())


@scenario("wait_for.result_just_before_the_limit", since=(3, 12))
async def _():
    """A result set right before the limit is lost if the task has not resumed."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(1, future.set_result, "in time")
    log(await ended(asyncio.wait_for(future, 1)))
    log(f"{state(future)} {now()} {cancelling()}")


@scenario("wait_for.result_just_after_the_limit", since=(3, 12))
async def _():
    """A result set right after the limit, in the same turn, finds the future cancelled."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    task = asyncio.create_task(ended(asyncio.wait_for(future, 1)))
    await turns(1)
    loop.call_later(1, lambda: log(f"the setter finds it {state(future)}"))
    log(await task)
    await turns(2)
    log(now())


@scenario("wait_for.swallowed_cancel_gives_the_value", since=(3, 12))
async def _():
    """Work that catches the cancellation and returns has its value delivered."""

    async def swallows():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return 42

    log(await ended(asyncio.wait_for(swallows(), 0.5)))
    log(await ended(asyncio.wait_for(asyncio.create_task(swallows()), 0.5)))
    log(f"{now()} {cancelling()}")


@scenario("wait_for.waits_beyond_the_limit", since=(3, 12))
async def _():
    """It returns only when the work has really ended."""
    log(await ended(asyncio.wait_for(deaf("coroutine", 2), 0.5)))
    log(await ended(asyncio.wait_for(asyncio.create_task(deaf("task", 2)), 0.5)))
    log(f"{now()} {cancelling()}")


@scenario("wait_for.waits_for_cleanup")
async def _():
    """It waits for the clean-up, and then raises TimeoutError."""
    log(await ended(asyncio.wait_for(stubborn("coroutine", 10, 2), 0.5)))
    log(now())
    log(await ended(asyncio.wait_for(asyncio.create_task(stubborn("task", 10, 2)), 0.5)))
    log(now())


@scenario("wait_for.error_during_cancel")
async def _():
    """An error raised in the clean-up takes the place of TimeoutError."""

    async def replaces():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ValueError("in cleanup") from None

    log(await ended(asyncio.wait_for(replaces(), 0.5)))
    log(await ended(asyncio.wait_for(asyncio.create_task(replaces()), 0.5)))
    log(cancelling())


@scenario("wait_for.error_passes")
async def _():
    """An error of the work passes at once."""
    log(await ended(asyncio.wait_for(failing("coroutine", 0.25, ValueError("bad")), 1)))
    task = asyncio.create_task(failing("task", 0.25, LookupError("worse")))
    log(await ended(asyncio.wait_for(task, 1)))
    log(await ended(asyncio.wait_for(task, 0)))
    log(now())


@scenario("wait_for.inner_timeout_error_is_its_own")
async def _():
    """A TimeoutError of the work passes as any error."""

    async def times_out():
        raise asyncio.TimeoutError("mine")

    try:
        await asyncio.wait_for(times_out(), 1)
    except asyncio.TimeoutError:
        log(f"TimeoutError at {now()}")


@scenario("wait_for.cancel_cancels_the_task")
async def _():
    """Cancelling the one who waits cancels the task, with a limit or without."""
    for limit in (None, 60):
        task = asyncio.create_task(sleeper("task", 1000))
        waiting = asyncio.create_task(asyncio.wait_for(task, limit))
        await turns(2)
        log(waiting.cancel())
        log(await ended(waiting))
        log(states(waiting, task))


@scenario("wait_for.cancel_in_the_first_turn")
async def _():
    """The same in the turn in which both begin."""
    task = asyncio.create_task(sleeper("task", 1))
    waiting = asyncio.create_task(asyncio.wait_for(task, 60))
    asyncio.get_running_loop().call_soon(waiting.cancel)
    log(await ended(waiting))
    log(states(waiting, task))


@scenario("wait_for.cancel_of_deaf_work", since=(3, 12))
async def _():
    """Work that ignores a cancellation from outside is run to its end."""
    waiting = asyncio.create_task(asyncio.wait_for(deaf("work", 2), 4))
    await turns(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    log(f"{state(waiting)} {now()} {waiting.cancelling()}")


@scenario("wait_for.cancel_after_the_result", since=(3, 12))
async def _():
    """A task that is done already leaves a cancellation to the next wait."""
    reached = []

    async def inner():
        return "done"

    async def outer(task):
        await asyncio.wait_for(task, 100)
        reached.append("after")
        await asyncio.sleep(1)
        reached.append("end")

    task = asyncio.create_task(inner())
    waiting = asyncio.create_task(outer(task))
    await turns(1)
    log(states(task, waiting))
    log(waiting.cancel())
    log(await ended(waiting))
    log(states(task, waiting))
    log(reached)


@scenario("wait_for.result_and_cancel_in_one_turn", since=(3, 12))
async def _():
    """A cancellation wins over a result of the same turn."""
    future = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(asyncio.wait_for(future, 100))
    await turns(1)
    future.set_result("lost")
    waiting.cancel()
    log(await ended(waiting))
    log(states(future, waiting))


@scenario("wait_for.cancelled_by_somebody_else")
async def _():
    """A task that another one cancelled is no timeout."""
    task = asyncio.create_task(sleeper("task", 10))
    asyncio.get_running_loop().call_later(0.5, task.cancel)
    log(await ended(asyncio.wait_for(task, 1)))
    log(f"{now()} {cancelling()}")


@scenario("wait_for.cancel_while_the_limit_cleans_up", since=(3, 12))
async def _():
    """A cancellation during the clean-up makes it CancelledError."""
    waiting = asyncio.create_task(asyncio.wait_for(stubborn("work", 10, 2), 0.5))
    await asyncio.sleep(1)
    waiting.cancel()
    log(await ended(waiting))
    log(f"{state(waiting)} {now()} {waiting.cancelling()}")


@scenario("wait_for.limit_in_the_turn_of_a_cancel", since=(3, 12))
async def _():
    """A limit and a cancellation in one turn make it CancelledError."""
    waiting = asyncio.create_task(asyncio.wait_for(sleeper("work", 10), 1))
    await turns(1)
    asyncio.get_running_loop().call_later(1, waiting.cancel)
    log(await ended(waiting))
    log(f"{state(waiting)} {now()} {waiting.cancelling()}")


@scenario("wait_for.nested")
async def _():
    """Of two limits the shorter one counts."""
    log(await ended(asyncio.wait_for(asyncio.wait_for(sleeper("short inside", 10), 0.5), 1)))
    log(now())
    log(await ended(asyncio.wait_for(asyncio.wait_for(sleeper("short outside", 10), 2), 1)))
    log(now())


@scenario("wait_for.nested_inner_caught")
async def _():
    """Past an inner limit the outer one is still there."""

    async def body():
        log(await ended(asyncio.wait_for(sleeper("inner", 10), 0.5)))
        return await sleeper("rest", 10)

    log(await ended(asyncio.wait_for(body(), 1)))
    log(f"{now()} {cancelling()}")


@scenario("wait_for.shield_zero")
async def _():
    """With no time left, a shield is cancelled and what it shields is not."""
    task = asyncio.create_task(sleeper("task", 0.5))
    shielded = asyncio.shield(task)
    log(await ended(asyncio.wait_for(shielded, 0)))
    log(states(task, shielded))
    log(await task)


@scenario("wait_for.shield_no_limit")
async def _():
    """A shield without a limit is waited for."""
    task = asyncio.create_task(sleeper("task", 0.5))
    log(await asyncio.wait_for(asyncio.shield(task), None))
    log(state(task))


@scenario("wait_for.shield_timeout")
async def _():
    """A limit does not reach what is shielded."""
    task = asyncio.create_task(sleeper("task", 0.5))
    log(await ended(asyncio.wait_for(asyncio.shield(task), 0.25)))
    log(f"{state(task)} {now()}")
    log(await task)
    log(now())


@scenario("wait_for.turns_of_a_timeout", since=(3, 12))
async def _():
    """How many turns lie between the limit and TimeoutError."""
    asyncio.get_running_loop().call_later(1, lambda: asyncio.create_task(clock(4)))
    log(await ended(asyncio.wait_for(sleeper("coroutine", 10), 1)))
    await turns(5)
    asyncio.get_running_loop().call_later(1, lambda: asyncio.create_task(clock(4)))
    log(await ended(asyncio.wait_for(asyncio.create_task(sleeper("task", 10)), 1)))
    await turns(5)


if __name__ == "__main__":
    run_scenarios()
