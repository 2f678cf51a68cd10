"""scheduling: what runs when, how the loop begins and ends, and where its errors go."""

import asyncio
import threading

from scenario import (
    VirtualLoop,
    call,
    collect,
    ended,
    error,
    kind,
    log,
    log_reports,
    now,
    run_scenarios,
    scenario,
    turns,
)


def run_briefly(loop):
    """One turn of the loop."""
    loop.call_soon(loop.stop)
    loop.run_forever()


@scenario("scheduling.call_soon_fifo")
def _():
    """call_soon() is strictly first in, first out, and each callback runs once."""
    loop = VirtualLoop()
    for i in range(5):
        loop.call_soon(log, i)
    loop.call_soon(loop.stop)
    loop.run_forever()
    run_briefly(loop)
    loop.close()


@scenario("scheduling.snapshot_of_ready")
def _():
    """A turn runs what is ready at its start; what is added meanwhile waits for the next one."""
    loop = VirtualLoop()

    def first():
        log("first")
        loop.call_soon(log, "added by first")
        loop.stop()

    loop.call_soon(first)
    loop.call_soon(log, "second")
    loop.run_forever()
    log("stopped")
    run_briefly(loop)
    loop.close()


@scenario("scheduling.ready_before_timers")
def _():
    """Within a turn the callbacks that were ready come before the timers that are due."""
    loop = VirtualLoop()

    def first():
        log("first")
        loop.call_later(0, log, "timer")
        loop.call_later(-1, log, "timer of the past")
        loop.call_soon(log, "soon")

    loop.call_soon(first)
    run_briefly(loop)
    log("turn")
    run_briefly(loop)
    loop.close()


@scenario("scheduling.order_log")
async def _():
    """The order of callbacks, tasks, futures and timers in one program."""
    loop = asyncio.get_running_loop()

    async def other():
        log("t start")
        await asyncio.sleep(0)
        log("t 2")

    loop.call_soon(log, "soon1")
    task = asyncio.create_task(other())
    loop.call_soon(log, "soon2")
    future = loop.create_future()
    future.add_done_callback(lambda _: log("cb1"))
    future.add_done_callback(lambda _: log("cb2"))
    future.set_result(None)
    log("after set_result")
    future.add_done_callback(lambda _: log("cb3-late"))
    await asyncio.sleep(0)
    log("main resumed")
    await future
    log("await done future = no yield")
    loop.call_later(0.001, log, "later")
    loop.call_later(0, log, "later0")
    loop.call_soon(log, "soon3")
    await asyncio.sleep(0.01)
    await task


@scenario("scheduling.what_yields")
async def _():
    """Awaiting a done future or a coroutine does not yield; sleep(0) does."""

    async def other():
        log("other")

    async def plain():
        log("b")

    task = asyncio.create_task(other())
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    await future
    log("a")
    await plain()
    await asyncio.sleep(0)
    log("c")
    await task


@scenario("scheduling.interleave")
async def _():
    """Two tasks that yield at some of their steps switch exactly there."""

    async def counter(name):
        for i in range(10):
            log(name, i)
            if i % 5 == 0:
                await asyncio.sleep(0)

    await asyncio.gather(counter("c1"), counter("c2"))


@scenario("scheduling.create_task_order")
async def _():
    """create_task() starts nothing at once; tasks and callbacks start in the order of their making."""
    loop = asyncio.get_running_loop()

    async def work(name):
        log(name)

    first = asyncio.create_task(work("task 1"))
    loop.call_soon(log, "soon 1")
    second = asyncio.create_task(work("task 2"))
    loop.call_soon(log, "soon 2")
    log("main")
    await second
    log(first.done(), second.done())


@scenario("scheduling.waiters_of_a_future")
async def _():
    """Those who wait for a future wake in the order in which they came, among the callbacks."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def waiter(name):
        log(name, await future)

    tasks = [asyncio.create_task(waiter("waiter 1"))]
    await asyncio.sleep(0)
    future.add_done_callback(lambda _: log("callback"))
    tasks.append(asyncio.create_task(waiter("waiter 2")))
    await asyncio.sleep(0)
    future.set_result(7)
    loop.call_soon(log, "soon")
    await asyncio.gather(*tasks)


@scenario("scheduling.timers_in_order")
def _():
    """Timers fire in the order of their deadlines, each at its time."""
    loop = VirtualLoop()
    for delay in (3, 1, 2, 0.5):
        loop.call_later(delay, lambda delay=delay: log(delay, loop.time()))
    loop.call_at(1.5, lambda: log("at", loop.time()))
    loop.call_later(4, loop.stop)
    loop.run_forever()
    log(loop.time())
    loop.close()


@scenario("scheduling.two_equal_deadlines")
def _():
    """Two timers with the same deadline fire in the order in which they were made."""
    loop = VirtualLoop()
    loop.call_at(1, log, "first")
    loop.call_at(1, log, "second")
    loop.call_at(2, loop.stop)
    loop.run_forever()
    loop.close()


@scenario("scheduling.negative_delay")
def _():
    """A delay of zero or less is the next turn."""
    loop = VirtualLoop()
    loop.call_later(-1, log, "negative")
    loop.call_soon(log, "soon")
    run_briefly(loop)
    loop.call_later(0, log, "zero")
    run_briefly(loop)
    log(loop.time())
    loop.close()


@scenario("scheduling.cancelled_timers")
def _():
    """A cancelled timer neither fires nor holds the loop up."""
    loop = VirtualLoop()
    late = loop.call_later(100, log, "late")
    handles = [loop.call_later(1 + i, log, i) for i in range(200)]
    for i, handle in enumerate(handles):
        if i % 50 != 7:
            handle.cancel()
    late.cancel()
    log(late.cancelled(), handles[7].cancelled(), late.when())
    loop.call_later(199.5, loop.stop)
    loop.run_forever()
    log(loop.time())
    loop.close()


@scenario("scheduling.timer_cancels_timer")
def _():
    """A timer may cancel another one that is due in the same turn."""
    loop = VirtualLoop()
    second = None
    loop.call_at(1, lambda: log("first", second.cancel()))
    second = loop.call_at(1.0, log, "second")
    loop.call_at(2.0, loop.stop)
    loop.run_forever()
    log(second.cancelled(), loop.time())
    loop.close()


@scenario("scheduling.handle_cancel")
def _():
    """A handle that is cancelled before it runs does not run; cancelling is idempotent."""
    loop = VirtualLoop()
    handle = loop.call_soon(log, "not run")
    other = loop.call_soon(log, "run")
    log(handle.cancelled())
    handle.cancel()
    handle.cancel()
    log(handle.cancelled(), other.cancelled())
    run_briefly(loop)
    other.cancel()
    log(other.cancelled())
    loop.close()


@scenario("scheduling.handle_cancel_same_turn")
def _():
    """A callback may cancel a later one of the same turn."""
    loop = VirtualLoop()
    victim = None
    loop.call_soon(lambda: victim.cancel())
    victim = loop.call_soon(log, "not run")
    loop.call_soon(log, "run")
    run_briefly(loop)
    loop.close()


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log("gone:", self.name)


@scenario("scheduling.handle_releases_callback")
def _():
    """A callback that has run, or was cancelled, is let go at once, whoever keeps the handle."""
    loop = VirtualLoop()
    cancelled = loop.call_soon(lambda noisy=Noisy("cancelled"): None)
    timer = loop.call_later(5, lambda noisy=Noisy("timer"): None)
    cancelled.cancel()
    log("after cancel")
    timer.cancel()
    log("after cancel of the timer")
    loop.call_soon(lambda noisy=Noisy("dropped by close"): None)
    loop.close()
    log("closed")


@scenario("scheduling.timer_handle")
def _():
    """A timer handle knows its deadline, also when it was cancelled."""
    loop = VirtualLoop()
    handle = loop.call_at(2.5, log, "at 2.5")
    later = loop.call_later(1.5, log, "later")
    log(handle.when(), later.when(), handle.cancelled())
    later.cancel()
    log(later.when(), later.cancelled())
    loop.call_at(3, loop.stop)
    loop.run_forever()
    log(handle.when(), handle.cancelled())
    loop.close()


@scenario("scheduling.stop")
def _():
    """stop() lets the turn end and keeps what was added for the next run."""
    loop = VirtualLoop()

    def first():
        log(1)
        loop.stop()
        loop.call_soon(log, "next run")

    loop.call_soon(first)
    loop.call_soon(log, 2)
    loop.run_forever()
    log("stopped")
    run_briefly(loop)
    loop.close()


@scenario("scheduling.stop_before_run")
def _():
    """A loop that was stopped before it runs makes one turn."""
    loop = VirtualLoop()
    loop.call_soon(log, "once")
    loop.stop()
    loop.run_forever()
    log(loop.is_running())
    loop.close()


@scenario("scheduling.stop_twice")
def _():
    """stop() is forgotten when the run ends."""
    loop = VirtualLoop()
    loop.call_soon(loop.stop)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.call_soon(log, "a")
    loop.call_soon(lambda: loop.call_soon(log, "b"))
    log(loop.run_until_complete(asyncio.sleep(1, "done")))
    loop.close()


@scenario("scheduling.run_until_complete")
def _():
    """run_until_complete() gives the result or raises, and the loop can go on."""
    loop = VirtualLoop()

    async def fail():
        raise ValueError("boom")

    log(loop.run_until_complete(asyncio.sleep(1, "slept")))
    log(call(loop.run_until_complete, fail()))
    future = loop.create_future()
    future.set_result("done already")
    log(loop.run_until_complete(future))
    task = loop.create_task(asyncio.sleep(1, "task"))
    log(loop.run_until_complete(task), loop.time())
    log(loop.is_running(), loop.is_closed())
    loop.close()


@scenario("scheduling.run_until_complete_extra_hop")
def _():
    """The loop ends one hop after the future: its callbacks, also late ones, still run."""
    loop = VirtualLoop()

    async def main():
        task = asyncio.current_task()
        task.add_done_callback(lambda _: log("callback"))
        loop.call_soon(log, "same turn")
        return "result"

    task = loop.create_task(main())
    task.add_done_callback(lambda _: loop.call_soon(log, "too late"))
    log(loop.run_until_complete(task))
    run_briefly(loop)
    loop.close()


@scenario("scheduling.run_until_complete_stopped")
def _():
    """A loop that is stopped before the future is done says so."""
    loop = VirtualLoop()
    future = loop.create_future()
    loop.call_soon(loop.stop)
    log(call(loop.run_until_complete, future))
    log(future.done())
    future.cancel()
    run_briefly(loop)
    loop.close()


@scenario("scheduling.run_until_complete_other_loop")
def _():
    """A future of another loop is refused with ValueError."""
    loop, other = VirtualLoop(), VirtualLoop()
    future = other.create_future()
    try:
        loop.run_until_complete(future)
    except Exception as exception:
        log(kind(exception))
    loop.close()
    other.close()


@scenario("scheduling.stop_while_run_in_complete")
def _():
    """A task that is running when the loop stops goes on in the next run."""
    loop = VirtualLoop()
    steps = []

    async def work():
        while len(steps) < 10:
            steps.append(len(steps))
            await asyncio.sleep(0.1)
            if len(steps) == 2:
                loop.stop()

    task = loop.create_task(work())
    log(call(loop.run_until_complete, task))
    log(task.done(), len(steps))
    log(call(loop.run_until_complete, task), len(steps))
    loop.close()


@scenario("scheduling.running_state")
def _():
    """is_running() and is_closed() over the life of a loop."""
    loop = VirtualLoop()
    log(loop.is_running(), loop.is_closed())
    loop.call_soon(lambda: log(loop.is_running(), loop.is_closed()))
    run_briefly(loop)
    log(loop.is_running(), loop.is_closed())
    loop.close()
    log(loop.is_running(), loop.is_closed())


@scenario("scheduling.close")
def _():
    """A loop that runs cannot be closed; closing twice is nothing; a closed one refuses work."""
    loop = VirtualLoop()
    loop.call_soon(lambda: log(call(loop.close)))
    run_briefly(loop)
    loop.call_soon(log, "dropped")
    loop.call_later(1, log, "dropped")
    loop.close()
    loop.close()
    log(call(loop.call_soon, print))
    log(call(loop.call_later, 1, print))
    log(call(loop.call_at, 1, print))
    log(call(loop.call_soon_threadsafe, print))
    log(call(loop.run_forever))
    coroutine = turns(1)
    log(call(loop.run_until_complete, coroutine))
    coroutine.close()


@scenario("scheduling.nested_run")
async def _():
    """A loop does not run within itself, nor within another one."""
    # Not run_forever(): in Python 3.13.0 a refused one leaves the running loop in disorder.
    loop = asyncio.get_running_loop()
    coroutine = turns(1)
    log(call(loop.run_until_complete, coroutine))
    coroutine.close()
    other = VirtualLoop()
    coroutine = turns(1)
    log(call(other.run_until_complete, coroutine))
    coroutine.close()
    other.close()
    log(loop.is_running())


@scenario("scheduling.get_running_loop")
def _():
    """The running loop is known while it runs, and only then."""
    loop = VirtualLoop()
    loop.call_soon(lambda: log(asyncio.get_running_loop() is loop))
    run_briefly(loop)
    log(call(asyncio.get_running_loop))
    loop.close()


@scenario("scheduling.callback_raises")
def _():
    """What a callback or a timer raises is reported, and the loop goes on."""
    loop = VirtualLoop()
    log_reports(loop)

    def fail(text):
        raise ValueError(text)

    loop.call_soon(fail, "soon")
    loop.call_soon(log, "next")
    loop.call_later(1, fail, "timer")
    loop.call_later(2, loop.stop)
    loop.run_forever()
    log(loop.time())
    loop.close()


@scenario("scheduling.callback_raises_cancelled")
def _():
    """A callback that raises CancelledError is reported as any other."""
    loop = VirtualLoop()
    log_reports(loop)

    def fail():
        raise asyncio.CancelledError()

    loop.call_soon(fail)
    run_briefly(loop)
    loop.close()


@scenario("scheduling.done_callback_raises")
async def _():
    """What a done callback raises is reported; the other callbacks run."""
    log_reports()
    future = asyncio.get_running_loop().create_future()

    def fail(_):
        raise RuntimeError("in a done callback")

    future.add_done_callback(fail)
    future.add_done_callback(lambda _: log("second"))
    future.set_result(1)
    await asyncio.sleep(0)
    log("main")


@scenario("scheduling.exception_handler")
def _():
    """The exception handler is the one that was set, until it is taken away."""
    loop = VirtualLoop()
    log(loop.get_exception_handler() is None)
    loop.set_exception_handler(lambda _, context: log("handler:", context["message"]))
    log(loop.get_exception_handler() is None)
    loop.call_exception_handler({"message": "reported by hand"})
    loop.set_exception_handler(None)
    log(loop.get_exception_handler() is None)
    loop.close()


@scenario("scheduling.broken_exception_handler")
def _():
    """An exception handler that raises does not harm the loop."""
    loop = VirtualLoop()

    def handler(_, context):
        log("handler:", error(context["exception"]))
        raise RuntimeError("the handler itself")

    def fail():
        raise ValueError("boom")

    loop.set_exception_handler(handler)
    loop.call_soon(fail)
    loop.call_soon(log, "next")
    run_briefly(loop)
    loop.close()


@scenario("scheduling.interrupt_leaves_the_loop")
def _():
    """KeyboardInterrupt from a callback leaves run_forever(); what was ready runs the next time."""
    loop = VirtualLoop()

    def interrupt():
        raise KeyboardInterrupt

    loop.call_soon(interrupt)
    loop.call_soon(log, "ready")
    log(call(loop.run_forever))
    log(loop.is_running())
    run_briefly(loop)
    loop.close()


@scenario("scheduling.interrupt_in_a_task")
def _():
    """KeyboardInterrupt in a task leaves the loop, and is the task's exception too."""
    loop = VirtualLoop()

    async def interrupt():
        raise KeyboardInterrupt

    task = loop.create_task(interrupt())
    log(call(loop.run_forever))
    log(task.done(), error(task.exception()))
    log(call(loop.run_until_complete, turns(2)))
    loop.close()


@scenario("scheduling.threadsafe_from_the_loop")
def _():
    """call_soon_threadsafe() on the loop's own thread is in order with call_soon()."""
    loop = VirtualLoop()

    def first():
        loop.call_soon(log, 1)
        loop.call_soon_threadsafe(log, 2)
        loop.call_soon(log, 3)

    loop.call_soon(first)
    run_briefly(loop)
    run_briefly(loop)
    loop.close()


@scenario("scheduling.threadsafe_wakes_the_loop")
def _():
    """call_soon_threadsafe() from a thread wakes a loop that has nothing to do, and keeps order."""
    loop = asyncio.SelectorEventLoop()

    def work():
        for i in range(3):
            loop.call_soon_threadsafe(log, i)
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=work)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    log("joined")
    loop.close()


@scenario("scheduling.spinning_starves_nobody")
def _():
    """A task that only yields does not keep the loop from hearing of other threads."""
    loop = asyncio.SelectorEventLoop()
    heard = []

    async def spin():
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(heard.append, 1))
        thread.start()
        while not heard:
            await asyncio.sleep(0)
        thread.join()
        return "heard"

    log(loop.run_until_complete(spin()))
    loop.close()


@scenario("scheduling.debug_flag")
def _():
    """Debug mode is a switch of the loop."""
    loop = VirtualLoop()
    log(loop.get_debug())
    loop.set_debug(True)
    log(loop.get_debug())
    loop.set_debug(False)
    log(loop.get_debug())
    loop.close()


@scenario("scheduling.check_thread")
def _():
    """In debug mode a loop that runs refuses callbacks from another thread."""
    loop = VirtualLoop()
    loop.set_debug(True)

    def in_thread():
        log(call(loop.call_soon, print))
        log(call(loop.call_later, 1, print))

    def start():
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()

    loop.call_soon(start)
    run_briefly(loop)
    loop.close()


@scenario("scheduling.hops")
async def _():
    """How many turns of the loop lie between an event and the one who awaits it."""
    loop = asyncio.get_running_loop()

    async def hops(name, awaitable):
        count = 0

        async def count_turns():
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        counter = asyncio.create_task(count_turns())
        await awaitable
        log(name, count)
        counter.cancel()
        await asyncio.sleep(0)

    def soon_done():
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        return future

    await hops("sleep(0)", asyncio.sleep(0))
    await hops("future", soon_done())
    await hops("task of nothing", asyncio.create_task(turns(0)))
    await hops("task of one turn", asyncio.create_task(turns(1)))
    await hops("gather of nothing", asyncio.gather())
    await hops("gather of futures", asyncio.gather(soon_done(), soon_done()))
    await hops("gather of tasks", asyncio.gather(turns(0), turns(2)))
    await hops("wait", asyncio.wait([soon_done()]))
    await hops("shield", asyncio.shield(soon_done()))
    await hops("shield of a coroutine", asyncio.shield(turns(0)))
    await hops("next of as_completed", next(iter(asyncio.as_completed([turns(0)]))))
    log(now())


@scenario("scheduling.unclosed_tasks")
def _():
    """A task that is pending when its loop is gone for good is reported."""
    loop = VirtualLoop()
    log_reports(loop)

    async def work():
        await loop.create_future()

    task = loop.create_task(work())
    run_briefly(loop)
    log(task.done())
    del task
    collect()
    loop.close()
    collect()
    log("end")


@scenario("scheduling.many_tasks")
async def _():
    """A thousand tasks end in the order in which they began."""
    order = []

    async def work(i):
        await asyncio.sleep(0)
        order.append(i)

    await asyncio.gather(*[work(i) for i in range(1000)])
    log(order == list(range(1000)))
    log(await ended(asyncio.sleep(0, "end")))


if __name__ == "__main__":
    run_scenarios()
