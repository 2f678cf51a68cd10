"""threads: work in other threads, and from other threads."""

import asyncio
import concurrent.futures
import contextvars
import threading

from scenario import (
    VirtualLoop,
    call,
    ended,
    error,
    kind,
    log,
    log_reports,
    run_scenarios,
    scenario,
    turns,
    value,
)


def add(a, b):
    return a + b


def fail_now(text):
    raise RuntimeError(text)


def refused(function, *args):
    """The type of the error of a call, for the texts differ."""
    try:
        function(*args)
    except BaseException as exception:
        return kind(exception)
    return "accepted"


@scenario("threads.to_thread")
async def _():
    """to_thread() calls a function in another thread and gives its result."""
    main = threading.get_ident()
    log(await asyncio.to_thread(add, 40, 2))
    log(await asyncio.to_thread(lambda: threading.get_ident() == main))


@scenario("threads.to_thread_exception")
async def _():
    """What the function raises comes through."""
    log(await ended(asyncio.to_thread(fail_now, "test")))


@scenario("threads.to_thread_once")
async def _():
    """The function is called once."""
    calls = []
    await asyncio.to_thread(calls.append, 1)
    log(len(calls))


@scenario("threads.to_thread_concurrent")
async def _():
    """Several calls run at the same time: they may wait for one another."""
    barrier = threading.Barrier(3)

    def meet(name):
        barrier.wait()
        return name

    log(await asyncio.gather(*[asyncio.to_thread(meet, name) for name in ("a", "b", "c")]))


@scenario("threads.to_thread_args")
async def _():
    """Arguments are handed on."""
    log(await asyncio.to_thread(lambda a, b, c: f"{a}-{b}-{c}", 1, "two", 3))


@scenario("threads.to_thread_contextvars")
async def _():
    """The function sees the variables of the task; what it sets is its own."""
    var = contextvars.ContextVar("var", default="nope")

    def function():
        before = var.get()
        var.set("thread")
        return before

    var.set("parrot")
    log(await asyncio.to_thread(function), var.get())


@scenario("threads.to_thread_is_lazy")
async def _():
    """Nothing is called before the coroutine is awaited."""
    calls = []
    coroutine = asyncio.to_thread(calls.append, 1)
    await turns(3)
    log(len(calls))
    await coroutine
    log(len(calls))


@scenario("threads.to_thread_cancelled")
async def _():
    """A task that is cancelled does not wait for the thread; the function runs to its end."""
    loop = asyncio.get_running_loop()
    started, release, over = loop.create_future(), threading.Event(), loop.create_future()

    def function():
        loop.call_soon_threadsafe(started.set_result, None)
        release.wait()
        loop.call_soon_threadsafe(over.set_result, "ran to its end")
        return "dropped"

    task = asyncio.create_task(asyncio.to_thread(function))
    await started
    task.cancel()
    log(await ended(task), task.cancelled(), over.done())
    release.set()
    log(await over)


@scenario("threads.run_in_executor")
async def _():
    """run_in_executor() starts at the call, and gives a future."""
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(None, add, 1, 2)
    log(future.done(), await future)
    log(await ended(loop.run_in_executor(None, fail_now, "from the thread")))


@scenario("threads.run_in_executor_contextvars")
async def _():
    """run_in_executor() does not hand the variables on."""
    var = contextvars.ContextVar("var", default="nope")
    var.set("main")
    log(await asyncio.get_running_loop().run_in_executor(None, var.get))


@scenario("threads.run_in_executor_own_pool")
async def _():
    """A call that has not begun is taken out of the queue by cancel()."""
    loop = asyncio.get_running_loop()
    release = threading.Event()
    calls = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = loop.run_in_executor(pool, release.wait)
        second = loop.run_in_executor(pool, calls.append, "second")
        third = loop.run_in_executor(pool, calls.append, "third")
        log(second.cancel(), second.cancelled())
        await turns(1)
        release.set()
        await first
        await third
        log(calls, await ended(second))


@scenario("threads.shutdown_default_executor")
async def _():
    """After its shutdown the default executor takes no more calls."""
    loop = asyncio.get_running_loop()
    log(await asyncio.to_thread(add, 1, 1))
    await loop.shutdown_default_executor()
    log(await ended(asyncio.to_thread(add, 1, 1)))
    log(call(loop.run_in_executor, None, add, 1, 1))


@scenario("threads.run_waits_for_threads")
def _():
    """run() waits for the threads that are still at work."""
    release = threading.Event()
    done = []

    def function():
        release.wait()
        done.append(1)

    async def main():
        asyncio.get_running_loop().run_in_executor(None, function)
        release.set()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    log(len(done))


async def add_later(a, b, failing=False, cancelling=False):
    await turns(1)
    if failing:
        raise RuntimeError("Fail!")
    if cancelling:
        asyncio.current_task().cancel()
        await turns(1)
    return a + b


def submit_and_wait(loop, timeout=None, **options):
    """In another thread: has the loop run a coroutine and waits for it."""
    future = asyncio.run_coroutine_threadsafe(add_later(1, 2, **options), loop)
    try:
        return future.result(timeout)
    finally:
        future.done() or future.cancel()


@scenario("threads.run_coroutine_threadsafe")
async def _():
    """A thread has the loop run a coroutine and waits for the result."""
    log(await asyncio.to_thread(submit_and_wait, asyncio.get_running_loop()))


@scenario("threads.run_coroutine_threadsafe_with_exception")
async def _():
    """What the coroutine raises is raised in the thread."""
    loop = asyncio.get_running_loop()
    log(await ended(asyncio.to_thread(submit_and_wait, loop, failing=True)))


@scenario("threads.run_coroutine_threadsafe_with_timeout")
async def _():
    """A thread that does not wait gets TimeoutError; cancelling the future cancels the task."""
    loop = asyncio.get_running_loop()
    started, stopped = loop.create_future(), loop.create_future()

    async def endless():
        started.set_result(None)
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            stopped.set_result("cancelled")
            raise

    def in_thread():
        future = asyncio.run_coroutine_threadsafe(endless(), loop)
        end = refused(future.result, 0)
        return end, future

    end, future = await asyncio.to_thread(in_thread)
    log(end)
    await started
    log(future.cancel())
    log(await stopped, future.cancelled())


@scenario("threads.run_coroutine_threadsafe_task_cancelled")
async def _():
    """A task that is cancelled is a cancelled future in the thread."""
    loop = asyncio.get_running_loop()

    def in_thread():
        return refused(lambda: submit_and_wait(loop, cancelling=True))

    log(await asyncio.to_thread(in_thread))


@scenario("threads.run_coroutine_threadsafe_task_factory_exception")
async def _():
    """What a task factory raises is raised in the thread, and reported in the loop."""
    loop = asyncio.get_running_loop()
    log_reports()

    def factory(_, coroutine, **__):
        coroutine.close()
        raise LookupError("no tasks today")

    def in_thread():
        future = asyncio.run_coroutine_threadsafe(value(1), loop)
        return call(future.result)

    future = loop.run_in_executor(None, in_thread)
    loop.set_task_factory(factory)
    log(await future)
    loop.set_task_factory(None)


@scenario("threads.run_coroutine_threadsafe_from_the_loop")
async def _():
    """It may be called on the loop's own thread, by one who does not wait there."""
    future = asyncio.run_coroutine_threadsafe(value("same thread"), asyncio.get_running_loop())
    log(future.done())
    log(await asyncio.wrap_future(future))


@scenario("threads.run_coroutine_threadsafe_closed_loop")
def _():
    """A closed loop is refused."""
    loop = VirtualLoop()
    loop.close()
    coroutine = value(1)
    log(call(asyncio.run_coroutine_threadsafe, coroutine, loop))
    coroutine.close()


def set_from_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


@scenario("threads.wrap_future")
async def _():
    """A future that a thread sets can be awaited."""
    source = concurrent.futures.Future()
    future = asyncio.wrap_future(source)
    thread = set_from_thread(source.set_result, "from a thread")
    log(await future)
    thread.join()


@scenario("threads.wrap_future_exception")
async def _():
    """Its exception comes over."""
    source = concurrent.futures.Future()
    future = asyncio.wrap_future(source)
    thread = set_from_thread(source.set_exception, ValueError("from a thread"))
    log(await ended(future))
    thread.join()


@scenario("threads.wrap_future_done_before")
async def _():
    """A future that is done already takes its turns, too."""
    source = concurrent.futures.Future()
    source.set_result("done")
    future = asyncio.wrap_future(source)
    log(future.done())
    log(await future)


@scenario("threads.wrap_future_cancel")
async def _():
    """Cancelling the wrapped future cancels the source."""
    source = concurrent.futures.Future()
    future = asyncio.wrap_future(source)
    log(future.cancel())
    await turns(1)
    log(future.cancelled(), source.cancelled())


@scenario("threads.wrap_future_cancel2")
async def _():
    """A source that runs already is not cancelled; its result is dropped."""
    source = concurrent.futures.Future()
    future = asyncio.wrap_future(source)
    source.set_running_or_notify_cancel()
    future.cancel()
    await turns(1)
    log(future.cancelled(), source.cancelled(), source.running())
    source.set_result(1)
    await turns(1)
    log(future.cancelled())


@scenario("threads.wrap_future_source_cancelled")
async def _():
    """Cancelling the source cancels the wrapped future."""
    source = concurrent.futures.Future()
    future = asyncio.wrap_future(source)
    log(source.cancel())
    log(await ended(future), future.cancelled())


@scenario("threads.future_states")
def _():
    """A concurrent future over its life."""
    future = concurrent.futures.Future()
    log(future.done(), future.running(), future.cancelled())
    log(refused(future.result, 0))
    log(future.set_running_or_notify_cancel())
    log(future.done(), future.running(), future.cancel())
    future.set_result(42)
    log(future.done(), future.running(), future.result(), error(future.exception()))
    log(future.cancel(), refused(future.set_result, 43), refused(future.set_exception, ValueError()))


@scenario("threads.future_cancel")
def _():
    """A concurrent future that is cancelled before it runs."""
    future = concurrent.futures.Future()
    log(future.cancel(), future.cancelled(), future.done())
    log(future.cancel())
    log(refused(future.result), refused(future.exception))
    log(future.set_running_or_notify_cancel())


@scenario("threads.future_exception")
def _():
    """The exception of a concurrent future."""
    future = concurrent.futures.Future()
    future.set_exception(ValueError("boom"))
    log(error(future.exception()), call(future.result))


@scenario("threads.future_callbacks")
def _():
    """Callbacks of a concurrent future are called at once, by the one who sets the result."""
    future = concurrent.futures.Future()
    future.add_done_callback(lambda done: log("first", done.result()))
    future.add_done_callback(lambda done: log("second"))
    log("set")
    future.set_result("result")
    log("set, and called")
    future.add_done_callback(lambda done: log("late"))
    log("end")


@scenario("threads.future_callback_raises")
def _():
    """A callback that raises does not keep the others from being called."""
    future = concurrent.futures.Future()

    def callback(_):
        raise ValueError("in a callback")

    future.add_done_callback(callback)
    future.add_done_callback(lambda _: log("second"))
    future.set_result(1)
    log(future.result())


@scenario("threads.future_callbacks_of_cancel")
def _():
    """cancel() calls the callbacks, once."""
    future = concurrent.futures.Future()
    future.add_done_callback(lambda done: log("cancelled", done.cancelled()))
    future.cancel()
    future.cancel()
    log("end")


@scenario("threads.pool_submit")
def _():
    """A pool does what it is given, and is joined by its shutdown."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(add, i, i) for i in range(5)]
        log([future.result() for future in futures])
        log(call(pool.submit(fail_now, "in the pool").result))
    log(refused(pool.submit, add, 1, 1))


@scenario("threads.pool_shutdown_cancels")
def _():
    """shutdown(cancel_futures=True) drops what has not begun."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    started, release = threading.Event(), threading.Event()

    def block():
        started.set()
        release.wait()
        return "first"

    first, second = pool.submit(block), pool.submit(add, 1, 1)
    started.wait()
    pool.shutdown(wait=False, cancel_futures=True)
    release.set()
    log(first.result(), second.cancelled())


if __name__ == "__main__":
    run_scenarios()
