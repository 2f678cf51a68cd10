"""futures: the one transition of a future, and those who hear of it."""

import asyncio

from scenario import (
    VirtualLoop,
    call,
    collect,
    ended,
    error,
    kind,
    log,
    log_reports,
    loop_future,
    run_scenarios,
    scenario,
    turns,
)


def refused(function, *args):
    """The type of the error of a call, for the texts differ."""
    try:
        function(*args)
    except Exception as exception:
        return kind(exception)
    return "accepted"


@scenario("futures.initial_state")
async def _():
    """A new future is neither done nor cancelled, and belongs to its loop."""
    future = loop_future()
    log(future.done(), future.cancelled())
    log(future.get_loop() is asyncio.get_running_loop())
    log(future.cancel(), future.done(), future.cancelled())


@scenario("futures.result")
async def _():
    """A result is set once, and may be read often."""
    future = loop_future()
    log(call(future.result))
    future.set_result(42)
    log(future.done(), future.cancelled(), future.result(), future.result(), future.exception())
    log(refused(future.set_result, 43), refused(future.set_exception, ValueError("late")))
    log(future.result(), future.cancel())


@scenario("futures.exception")
async def _():
    """An exception is set once, and raised by each result()."""
    future = loop_future()
    log(call(future.exception))
    future.set_exception(RuntimeError("boom"))
    log(future.done(), future.cancelled(), error(future.exception()))
    log(call(future.result))
    log(call(future.result))
    log(refused(future.set_result, 1), refused(future.set_exception, ValueError("late")))


@scenario("futures.cancel")
async def _():
    """cancel() ends a pending future at once; a done one stays as it is."""
    future = loop_future()
    log(future.cancel(), future.done(), future.cancelled())
    log(future.cancel())
    log(call(future.result), call(future.exception))
    log(refused(future.set_result, 1), refused(future.set_exception, ValueError("late")))
    log(future.cancelled())


@scenario("futures.cancel_message")
async def _():
    """The message given to cancel() is that of the CancelledError."""
    future = loop_future()
    log(future.cancel("my message"))
    log(call(future.result))
    log(await ended(future))


@scenario("futures.await_twice")
async def _():
    """A future may be awaited any number of times."""
    future = loop_future()
    asyncio.get_running_loop().call_soon(future.set_result, 7)
    log(await future)
    log(await future)


@scenario("futures.await_done_does_not_yield")
async def _():
    """Awaiting a done future goes on at once, with its result or its error."""
    asyncio.get_running_loop().call_soon(log, "a turn")
    good, bad, cancelled = loop_future(), loop_future(), loop_future()
    good.set_result("good")
    bad.set_exception(ValueError("bad"))
    cancelled.cancel()
    log(await ended(good), await ended(bad), await ended(cancelled))
    await asyncio.sleep(0)


@scenario("futures.several_waiters")
async def _():
    """All who wait get the result, in the order in which they came."""
    future = loop_future()

    async def waiter(name):
        log(name, await ended(future))

    tasks = [asyncio.create_task(waiter(name)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    future.set_result("result")
    log("set")
    await asyncio.gather(*tasks)


@scenario("futures.several_waiters_of_an_error")
async def _():
    """All who wait get the same exception object."""
    future = loop_future()

    async def waiter():
        try:
            await future
        except ValueError as exception:
            log(error(exception), exception is future.exception())

    tasks = [asyncio.create_task(waiter()) for _ in range(3)]
    await asyncio.sleep(0)
    future.set_exception(ValueError("shared"))
    await asyncio.gather(*tasks)


@scenario("futures.cancelled_waiter_cancels_all")
async def _():
    """Cancelling one task that waits cancels the future, and so all who wait for it."""
    future = loop_future()

    async def waiter(name):
        log(name, await ended(future), asyncio.current_task().cancelling())

    tasks = [asyncio.create_task(waiter(name)) for name in ("a", "b")]
    await asyncio.sleep(0)
    tasks[0].cancel()
    log(future.cancelled())
    await asyncio.gather(*tasks)


@scenario("futures.callbacks_invoked_on_set_result")
async def _():
    """Callbacks are scheduled when the result is set, in order, and never called at once."""
    future = loop_future()
    for name in ("first", "second", "third"):
        future.add_done_callback(lambda done, name=name: log(name, done.result()))
    future.set_result(5)
    log("set")
    await asyncio.sleep(0)
    log("one turn later")
    await asyncio.sleep(0)


@scenario("futures.callbacks_invoked_on_set_exception")
async def _():
    """Callbacks are called for an error, too."""
    future = loop_future()
    future.add_done_callback(lambda done: log(error(done.exception())))
    future.set_exception(ValueError("boom"))
    log("set")
    await asyncio.sleep(0)


@scenario("futures.callbacks_invoked_on_cancel")
async def _():
    """Callbacks are called for a cancellation, too."""
    future = loop_future()
    future.add_done_callback(lambda done: log(done.cancelled()))
    future.cancel()
    log("cancelled")
    await asyncio.sleep(0)


@scenario("futures.late_callback")
async def _():
    """A callback that is added to a done future is scheduled, not called."""
    future = loop_future()
    future.set_result(1)
    future.add_done_callback(lambda done: log("called", done.result()))
    log("added")
    await asyncio.sleep(0)
    log("later")


@scenario("futures.callback_twice")
async def _():
    """The same callback added twice is called twice."""
    future = loop_future()

    def callback(done):
        log("called", done.result())

    future.add_done_callback(callback)
    future.add_done_callback(callback)
    future.set_result(1)
    await asyncio.sleep(0)


@scenario("futures.callback_adds_callback")
async def _():
    """A callback that is added by a callback is called one turn later."""
    future = loop_future()

    def first(_):
        log("first")
        future.add_done_callback(lambda _: log("added"))

    future.add_done_callback(first)
    future.add_done_callback(lambda _: log("second"))
    future.set_result(None)
    await asyncio.sleep(0)
    log("turn")
    await asyncio.sleep(0)


@scenario("futures.remove_done_callback")
async def _():
    """A callback that is taken back is not called; the others are."""
    future = loop_future()
    callbacks = [lambda _, i=i: log("callback", i) for i in range(4)]
    for callback in callbacks:
        future.add_done_callback(callback)
    log(future.remove_done_callback(callbacks[0]))
    log(future.remove_done_callback(callbacks[2]))
    log(future.remove_done_callback(callbacks[2]))
    future.set_result(None)
    await asyncio.sleep(0)
    log(future.remove_done_callback(callbacks[1]))


@scenario("futures.remove_all_callbacks")
async def _():
    """With all callbacks taken back nobody hears of the result."""
    future = loop_future()
    callbacks = [lambda _, i=i: log("callback", i) for i in range(2)]
    for callback in callbacks:
        future.add_done_callback(callback)
    for callback in callbacks:
        log(future.remove_done_callback(callback))
    future.set_result(None)
    await asyncio.sleep(0)
    log("end")


@scenario("futures.remove_too_late")
async def _():
    """A callback that is scheduled already cannot be taken back."""
    future = loop_future()

    def second(_):
        log("second")

    def first(_):
        log("first", future.remove_done_callback(second))

    future.add_done_callback(first)
    future.add_done_callback(second)
    future.set_result(None)
    log(future.remove_done_callback(first))
    await asyncio.sleep(0)


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log("gone:", self.name)


@scenario("futures.abandoned")
async def _():
    """A pending future that nobody holds goes silently, with its callbacks."""
    log_reports()
    future = loop_future()
    future.add_done_callback(lambda _, noisy=Noisy("callback"): None)
    del future
    log("end")


@scenario("futures.result_unretrieved")
async def _():
    """A result that nobody asked for is not reported."""
    log_reports()
    future = loop_future()
    future.set_result(42)
    del future
    collect()
    log("end")


@scenario("futures.exception_unretrieved")
async def _():
    """An exception that nobody asked for is reported once, when the future goes."""
    log_reports()
    future = loop_future()
    future.set_exception(RuntimeError("lost"))
    log("set")
    del future
    collect()
    log("end")


@scenario("futures.exception_retrieved")
async def _():
    """exception() is enough for a report not to be made."""
    log_reports()
    future = loop_future()
    future.set_exception(RuntimeError("seen"))
    log(error(future.exception()))
    del future
    collect()
    log("end")


@scenario("futures.exception_result_retrieved")
async def _():
    """result() is enough, too."""
    log_reports()
    future = loop_future()
    future.set_exception(RuntimeError("raised"))
    log(call(future.result))
    del future
    collect()
    log("end")


@scenario("futures.exception_awaited")
async def _():
    """An exception that somebody awaited is not reported."""
    log_reports()
    future = loop_future()
    task = asyncio.create_task(ended(future))
    await asyncio.sleep(0)
    future.set_exception(RuntimeError("awaited"))
    log(await task)
    del future, task
    collect()
    log("end")


@scenario("futures.not_reported_after_cancel")
async def _():
    """An exception is not reported once somebody tried to cancel the future."""
    log_reports()
    future = loop_future()
    future.set_exception(RuntimeError("lost"))
    log(future.cancel())
    del future
    collect()
    log("end")


@scenario("futures.cancellation_unretrieved")
async def _():
    """A cancellation that nobody saw is not reported."""
    log_reports()
    future = loop_future()
    future.cancel()
    del future
    collect()
    log("end")


@scenario("futures.repr")
async def _():
    """The repr says state and result; long texts are shortened."""
    future = loop_future()
    log(repr(future))
    future.cancel()
    log(repr(future))
    for result in (42, -7, True, 1.5, 2.0, "text", "it's", "a\nb", "x" * 50, ""):
        future = loop_future()
        future.set_result(result)
        log(repr(future))
    future = loop_future()
    future.set_result(None)
    log(repr(future))


@scenario("futures.set_result_wakes_next_turn")
async def _():
    """A waiter goes on in the turn after the result was set, behind what was queued before."""
    loop = asyncio.get_running_loop()
    future = loop_future()

    async def waiter():
        await future
        log("waiter")

    task = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    loop.call_soon(log, "before")
    future.set_result(None)
    loop.call_soon(log, "after")
    await turns(1)
    log("main")
    await task


@scenario("futures.timer_sets_result")
async def _():
    """A timer sets a result for a task that waits."""
    loop = asyncio.get_running_loop()
    future = loop_future()
    loop.call_later(1.5, future.set_result, "from a timer")
    log(await future, loop.time())


@scenario("futures.callback_cancels_another")
async def _():
    """A callback may end another future; its callbacks follow in the next turn."""
    first, second = loop_future(), loop_future()
    first.add_done_callback(lambda _: log("first:", second.cancel()))
    second.add_done_callback(lambda done: log("second:", done.cancelled()))
    first.set_result(None)
    await asyncio.sleep(0)
    log("turn")
    await asyncio.sleep(0)


@scenario("futures.chain_of_futures")
async def _():
    """Each link of a chain of callbacks takes one turn."""
    futures = [loop_future() for _ in range(4)]
    for here, there in zip(futures, futures[1:]):
        here.add_done_callback(lambda done, there=there: there.set_result(done.result() + 1))
    futures[0].set_result(0)
    for turn in range(4):
        log(turn, [future.done() for future in futures])
        await asyncio.sleep(0)
    log(futures[-1].result())


@scenario("futures.after_the_loop")
def _():
    """A future keeps its result when its loop is closed."""
    loop = VirtualLoop()
    good, bad = loop.create_future(), loop.create_future()
    good.set_result(1)
    bad.set_exception(ValueError("kept"))
    loop.close()
    log(good.result(), error(bad.exception()), good.cancel())
    pending = loop.create_future()
    pending.set_result("set on a closed loop")
    log(pending.result())


@scenario("futures.set_exception_cancelled_error")
async def _():
    """A future that was given CancelledError as its exception raises it, but is not cancelled."""
    future = loop_future()
    future.set_exception(asyncio.CancelledError("as an exception"))
    log(future.done(), future.cancelled())
    log(await ended(future))
    task = asyncio.create_task(asyncio.wait_for(future, None))
    log(await ended(task), task.cancelled())


if __name__ == "__main__":
    run_scenarios()
