"""cancellation: what cancel() and uncancel() do to a task."""

import asyncio

from scenario import (
    VirtualLoop,
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


@scenario("cancellation.cancel")
async def _():
    """cancel() ends what the task waits for; once it is done, there is nothing to cancel."""

    async def work():
        await asyncio.sleep(10)
        return 12

    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_soon(task.cancel)
    log(await ended(task))
    log(task.done(), task.cancelled(), task.cancel(), now())
    log(call(task.result), call(task.exception))


@scenario("cancellation.is_a_request")
async def _():
    """A cancelled task is not cancelled before it ended."""
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    log(task.cancel(), task.cancelled(), task.done(), task.cancelling())
    await asyncio.sleep(0)
    log(task.cancelled(), task.done(), task.cancelling())


@scenario("cancellation.before_start")
async def _():
    """A task that is cancelled before its first step never starts its body."""

    async def work():
        log("not reached")

    task = asyncio.create_task(work())
    log(task.cancel())
    log(await ended(task), task.cancelled())


@scenario("cancellation.yield")
async def _():
    """A task that only yields is cancelled at its next step."""

    async def work():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return 12

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    log(await ended(task))
    log(task.done(), task.cancelled(), task.cancel())


@scenario("cancellation.inner_future")
async def _():
    """Cancelling the future that a task awaits cancels the task."""
    future = loop_future()

    async def work():
        await future
        return 12

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    future.cancel()
    log(await ended(task))
    log(future.cancelled(), task.cancelled(), task.cancelling())


@scenario("cancellation.both_task_and_inner_future")
async def _():
    """Cancelling the future and the task that awaits it is one cancellation."""
    future = loop_future()

    async def work():
        try:
            await future
        except asyncio.CancelledError:
            log("cancelled")
            await asyncio.sleep(0)
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    log(future.cancel(), task.cancel())
    log(await ended(task))
    log(task.done(), future.cancelled(), task.cancelled())


@scenario("cancellation.task_catching")
async def _():
    """A task may catch the cancellation, and return a value after all."""
    fut1, fut2 = loop_future(), loop_future()

    async def work():
        await fut1
        try:
            await fut2
        except asyncio.CancelledError:
            return 42

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    fut1.set_result(None)
    await asyncio.sleep(0)
    task.cancel()
    log(fut2.cancelled())
    log(await ended(task))
    log(task.cancelled(), task.cancelling())


@scenario("cancellation.task_ignoring")
async def _():
    """A task that ignores the cancellation goes on; it is not told again."""
    fut1, fut2, fut3 = loop_future(), loop_future(), loop_future()

    async def work():
        await fut1
        try:
            await fut2
        except asyncio.CancelledError:
            pass
        return await fut3

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    fut1.set_result(None)
    await asyncio.sleep(0)
    task.cancel()
    log(fut2.cancelled())
    await asyncio.sleep(0)
    fut3.set_result(42)
    log(await ended(task))
    log(fut3.cancelled(), task.cancelled())


@scenario("cancellation.current_task")
async def _():
    """A task that cancels itself is told at its next wait, before any time passes."""

    async def work():
        log(asyncio.current_task().cancel())
        log("still running")
        await asyncio.sleep(100)
        return 12

    task = asyncio.create_task(work())
    log(await ended(task))
    log(task.done(), task.cancelled(), task.cancel(), now())


@scenario("cancellation.current_task_done_future")
async def _():
    """A task that cancelled itself is not stopped by awaiting what is done already."""
    future = loop_future()
    future.set_result("done")

    async def work():
        asyncio.current_task().cancel()
        log(await future)
        await asyncio.sleep(0)
        log("not reached")

    log(await ended(asyncio.create_task(work())))


@scenario("cancellation.at_end")
async def _():
    """A task that cancels itself and returns is cancelled; the value is lost."""

    async def work():
        asyncio.current_task().cancel()
        return 12

    task = asyncio.create_task(work())
    log(await ended(task))
    log(task.done(), task.cancelled(), task.cancel())


@scenario("cancellation.at_end_with_error")
async def _():
    """A task that cancels itself and raises ends with what it raised."""

    async def work():
        asyncio.current_task().cancel()
        raise ValueError("mine")

    task = asyncio.create_task(work())
    log(await ended(task))
    log(task.cancelled(), task.cancelling())


@scenario("cancellation.awaited_task")
async def _():
    """A task that cancelled itself and awaits another one cancels that one."""
    future = loop_future()

    async def nested():
        await future

    async def work():
        nested_task = asyncio.create_task(nested(), name="nested")
        nested_task.add_done_callback(lambda done: log(done.get_name(), done.cancelled()))
        await asyncio.sleep(0)
        asyncio.current_task().cancel()
        await nested_task

    task = asyncio.create_task(work())
    log(await ended(task))
    log(task.cancelled(), future.cancelled())


@scenario("cancellation.goes_through_tasks")
async def _():
    """A cancellation goes through the tasks that are awaited to the innermost future."""
    future = loop_future()

    async def level(name, awaitable):
        try:
            await awaitable
        except asyncio.CancelledError:
            log(name, "cancelled")
            raise

    inner = asyncio.create_task(level("inner", future))
    middle = asyncio.create_task(level("middle", inner))
    outer = asyncio.create_task(level("outer", middle))
    await turns(2)
    outer.cancel()
    log(future.cancelled(), outer.cancelling(), middle.cancelling(), inner.cancelling())
    log(await ended(outer))
    log(inner.cancelled(), middle.cancelled(), outer.cancelled())


@scenario("cancellation.child_that_refuses")
async def _():
    """A child task that refuses to be cancelled keeps the one who awaits it going, too."""

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "refused"

    async def work():
        return await asyncio.create_task(stubborn())

    task = asyncio.create_task(work())
    await turns(2)
    task.cancel()
    log(await ended(task), task.cancelling(), task.cancelled())


@scenario("cancellation.after_result")
async def _():
    """A cancellation that comes after the result, but before the task resumes, wins."""
    future = loop_future()

    async def work():
        return await future

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    future.set_result("lost")
    log(task.cancel())
    log(await ended(task), task.cancelled(), future.cancelled())


@scenario("cancellation.after_error")
async def _():
    """A cancellation that comes after an error, but before the task resumes, wins too."""
    future = loop_future()

    async def work():
        return await future

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    future.set_exception(ValueError("lost"))
    log(task.cancel())
    log(await ended(task), task.cancelled(), error(future.exception()))


@scenario("cancellation.twice")
async def _():
    """Two cancellations before the task runs are one CancelledError, and two requests."""

    async def work():
        for attempt in range(3):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                log("cancelled, attempt", attempt)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    log(task.cancel(), task.cancel(), task.cancelling())
    await asyncio.sleep(1)
    log(task.cancel(), task.cancelling())
    await ended(task)
    log(task.cancelled(), task.cancelling(), now())


@scenario("cancellation.during_cleanup")
async def _():
    """A second cancellation strikes in the clean-up after the first."""

    async def work():
        try:
            await asyncio.sleep(10)
        finally:
            try:
                await asyncio.sleep(10)
                log("not reached")
            finally:
                log("cleaned up", now())

    task = asyncio.create_task(work())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.sleep(1)
    task.cancel()
    log(await ended(task))


@scenario("cancellation.done_task")
async def _():
    """Cancelling a task that is done does nothing, not even count."""
    task = asyncio.create_task(value("kept"))
    await task
    log(task.cancel(), task.cancelling(), task.result())


@scenario("cancellation.cancelled_without_request")
async def _():
    """A task that raises CancelledError of its own ends cancelled."""

    async def work():
        raise asyncio.CancelledError("of its own")

    task = asyncio.create_task(work())
    log(await ended(task))
    log(task.cancelled(), task.cancelling())


@scenario("cancellation.awaiting_a_cancelled_task")
async def _():
    """Awaiting a cancelled task raises CancelledError, as often as it is awaited."""
    task = asyncio.create_task(asyncio.sleep(1))
    task.cancel()
    log(await ended(task), await ended(task))
    log(asyncio.current_task().cancelling())


@scenario("cancellation.turns_into_an_error")
async def _():
    """A task that answers its cancellation with an error ends with that."""

    async def work():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ValueError("instead") from None

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    log(await ended(task), task.cancelled())


@scenario("cancellation.cancelling")
async def _():
    """cancelling() counts the requests, whatever becomes of them."""
    task = asyncio.create_task(asyncio.sleep(10))
    log(task.cancelling())
    log(task.cancel(), task.cancelling())
    log(task.cancel(), task.cancelling())
    log(await ended(task), task.cancelling())


@scenario("cancellation.uncancel_basic")
async def _():
    """uncancel() takes one request back; the task goes on and can be cancelled again."""

    async def work():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("uncancel", asyncio.current_task().uncancel())
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    log(task.cancel(), task.cancelling(), task.cancelled())
    await asyncio.sleep(0.01)
    log(task.cancelling(), task.cancelled())
    log(task.cancel(), task.cancelling(), task.cancelled())
    log(await ended(task))
    log(task.cancelled(), task.done())
    log(task.uncancel(), task.cancelled(), task.done())


@scenario("cancellation.uncancel_of_nothing")
async def _():
    """uncancel() without a request does nothing."""
    task = asyncio.create_task(value(1))
    log(task.uncancel(), task.cancelling())
    log(await task)


@scenario("cancellation.uncancel_structured_blocks")
async def _():
    """A hand-made timeout scope: cancel, catch, uncancel, go on."""

    async def request(delay, limit):
        task = asyncio.current_task()
        fired = False
        finished = False

        def on_timeout():
            nonlocal fired
            fired = True
            task.cancel()

        handle = asyncio.get_running_loop().call_later(limit, on_timeout)
        try:
            await asyncio.sleep(delay)
            finished = True
        except asyncio.CancelledError:
            if not fired or task.uncancel() > 0:
                raise
        finally:
            handle.cancel()
        await asyncio.sleep(0)
        log(fired, finished, task.cancelling())

    await asyncio.create_task(request(10, 0.1))
    await asyncio.create_task(request(0, 10))


@scenario("cancellation.uncancel_resets_must_cancel", since=(3, 13))
async def _():
    """A cancellation that was not delivered yet is taken back by the last uncancel()."""
    future = loop_future()

    async def work():
        await future
        return 42

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    future.set_result(None)
    task.cancel()
    log(task.cancelling())
    log(task.uncancel(), task.cancelling())
    log(await ended(task))


@scenario("cancellation.uncancel_before_start", since=(3, 13))
async def _():
    """A task that was cancelled before its first step and uncancelled runs."""

    async def work():
        return "ran"

    task = asyncio.create_task(work())
    task.cancel()
    log(task.uncancel())
    log(await ended(task))


@scenario("cancellation.uncancel_does_not_reach_the_wait")
async def _():
    """uncancel() does not take back what was thrown into the wait already."""
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    log(task.uncancel())
    log(await ended(task), task.cancelled())


@scenario("cancellation.with_message_then_future_result")
async def _():
    """The message of a cancellation comes with the CancelledError of result()."""
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel("my message")
    await asyncio.wait([task])
    log(call(task.result))


@scenario("cancellation.with_message_then_future_exception")
async def _():
    """The message of a cancellation comes with the CancelledError of exception()."""
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel("my message")
    await asyncio.wait([task])
    log(call(task.exception))


@scenario("cancellation.with_message_before_starting_task")
async def _():
    """The message is kept when the task never starts."""
    task = asyncio.create_task(asyncio.sleep(10))
    task.cancel("my message")
    await asyncio.wait([task])
    log(call(task.exception))


@scenario("cancellation.message_is_seen_inside")
async def _():
    """The message is seen where the cancellation strikes, and by the one who awaits the task."""

    async def work():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as exception:
            log("inside", error(exception))
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel("stop it")
    log(await ended(task))


@scenario("cancellation.message_last_wins")
async def _():
    """Of two messages before the task runs the one of the wait that took the cancel counts."""
    future = loop_future()

    async def work():
        await future

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    future.set_result(None)
    task.cancel("first")
    task.cancel("second")
    log(await ended(task))


@scenario("cancellation.cancellation_exception_context")
async def _():
    """A cancellation with a message that is caught and replaced by another error."""

    async def work():
        await asyncio.sleep(10)

    inner = asyncio.create_task(work())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(inner.cancel, "msg")
    try:
        await inner
    except asyncio.CancelledError as exception:
        log(error(exception), inner.cancelled())


@scenario("cancellation.baseexception_during_cancel")
def _():
    """KeyboardInterrupt raised in answer to a cancellation leaves the loop, and ends the task."""
    loop = VirtualLoop()

    async def sleeper():
        await asyncio.sleep(10)

    async def work():
        try:
            await sleeper()
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    task = loop.create_task(work())
    loop.run_until_complete(turns(1))
    task.cancel()
    log(task.done())
    log(call(loop.run_until_complete, turns(3)))
    log(task.done(), task.cancelled(), error(task.exception()))
    loop.close()


@scenario("cancellation.task_cancel_waiter_future")
async def _():
    """Cancelling a task cancels the future it waits for at once."""
    future = loop_future()

    async def work():
        await future

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    log(future.cancelled(), task.done())
    log(await ended(task))


@scenario("cancellation.yield_future_passes_cancel")
async def _():
    """A cancellation passes through a task to the task it awaits, and each may clean up."""
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
            await asyncio.create_task(inner())
        except asyncio.CancelledError:
            proof += 10

    task = asyncio.create_task(outer())
    await turns(2)
    task.cancel()
    log(await ended(task), proof)


@scenario("cancellation.yield_wait_does_not_shield_cancel")
async def _():
    """Cancelling a task that is in wait() does not cancel what it waits for."""
    proof = 0

    async def inner():
        nonlocal proof
        await asyncio.sleep(1)
        proof += 1

    async def outer():
        nonlocal proof
        await asyncio.wait([asyncio.create_task(inner())])
        proof += 100

    task = asyncio.create_task(outer())
    await turns(2)
    task.cancel()
    log(await ended(task), proof)
    await asyncio.sleep(2)
    log(proof)


@scenario("cancellation.tb_logger_not_called_after_cancel")
async def _():
    """An exception is not reported once somebody tried to cancel the task."""
    log_reports()
    task = asyncio.create_task(fail("not reported"))
    await asyncio.sleep(0)
    log(task.cancel())
    del task
    collect()
    log("end")


@scenario("cancellation.self_cancel_in_finally")
async def _():
    """A task that is cancelled while it cleans up after an error ends cancelled."""

    async def work():
        try:
            raise ValueError("boom")
        finally:
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    log(await ended(task), task.cancelled())


if __name__ == "__main__":
    run_scenarios()
