"""tasks: what a task is, by what it is known, and what it gives."""

import asyncio
import re

from scenario import (
    VirtualLoop,
    call,
    collect,
    ended,
    error,
    fail,
    kind,
    log,
    log_reports,
    loop_future,
    now,
    run_scenarios,
    scenario,
    turns,
    value,
)


@scenario("tasks.basics")
async def _():
    """Coroutines that await coroutines give their results, within one task."""

    async def inner1():
        return 42

    async def inner2():
        return 1000

    async def outer():
        a = await inner1()
        b = await inner2()
        return a + b

    task = asyncio.create_task(outer())
    log(task.done(), task.cancelled())
    log(await task)
    log(task.done(), task.cancelled(), task.result(), task.exception())


@scenario("tasks.lazy_coroutine")
async def _():
    """A coroutine runs only when it is awaited, and then at once; once only."""

    async def work():
        log("work")
        return 5

    coroutine = work()
    log("made")
    log(await coroutine)
    log(await ended(coroutine))


@scenario("tasks.exception")
async def _():
    """What a task raises goes to everybody who awaits it."""
    task = asyncio.create_task(fail("boom"))
    log(await ended(task))
    log(await ended(task))
    log(task.done(), task.cancelled(), error(task.exception()))
    log(call(task.result))


@scenario("tasks.result_before_the_end")
async def _():
    """A task that is not done has neither result nor exception."""
    task = asyncio.create_task(value(1))
    log(call(task.result))
    log(call(task.exception))
    await task
    log(task.result(), task.exception())


@scenario("tasks.name")
async def _():
    """A task has the name it was given, and may be renamed."""
    task = asyncio.create_task(value(1), name="fetcher")
    log(task.get_name())
    task.set_name("renamed")
    log(task.get_name())
    await task
    log(task.get_name())


@scenario("tasks.default_name")
async def _():
    """Tasks without a name are numbered in the order of their making, from one task to the next."""
    tasks = [asyncio.create_task(value(i)) for i in range(3)]
    numbers = [int(re.fullmatch(r"Task-(\d+)", task.get_name())[1]) for task in tasks]
    log(numbers[1] - numbers[0], numbers[2] - numbers[1])
    await asyncio.gather(*tasks)


@scenario("tasks.current_task")
async def _():
    """The running task is known, also in the coroutines it awaits, and each task has its own."""
    log(asyncio.current_task().get_name() != "a")

    async def inner():
        log(asyncio.current_task().get_name())

    async def outer():
        log(asyncio.current_task().get_name())
        await inner()
        await asyncio.sleep(0)
        log(asyncio.current_task().get_name())

    await asyncio.gather(
        asyncio.create_task(outer(), name="a"), asyncio.create_task(outer(), name="b")
    )


@scenario("tasks.current_task_no_loop")
def _():
    """Without a running loop asking for the running task is an error."""
    log(call(asyncio.current_task))


@scenario("tasks.all_tasks")
async def _():
    """all_tasks() has the tasks that are not done, of this loop only."""
    asyncio.current_task().set_name("main")
    first = asyncio.create_task(turns(1), name="first")
    second = asyncio.create_task(asyncio.sleep(1), name="second")

    def names():
        return sorted(task.get_name() for task in asyncio.all_tasks())

    log(names())
    await first
    log(names())
    second.cancel()
    log(names())
    await asyncio.sleep(0)
    log(names())


@scenario("tasks.create_task_no_loop")
def _():
    """create_task() needs a running loop."""
    coroutine = value(1)
    log(call(asyncio.create_task, coroutine))
    coroutine.close()


@scenario("tasks.detached")
async def _():
    """A task whose handle is dropped runs to its end all the same."""

    async def work():
        await asyncio.sleep(1)
        log("done at", now())

    asyncio.create_task(work())
    await asyncio.sleep(2)


@scenario("tasks.ensure_future_coroutine")
async def _():
    """ensure_future() makes a task of a coroutine."""
    task = asyncio.ensure_future(value("ok"))
    log(task.done())
    log(await task)


@scenario("tasks.ensure_future_future")
async def _():
    """ensure_future() gives a future, or a task, back as it is."""
    future = loop_future()
    future.set_result("ko")
    log(asyncio.ensure_future(future) is future)
    task = asyncio.create_task(value("ok"))
    log(asyncio.ensure_future(task) is task)
    log(await future, await task)


class Gate:
    """An awaitable that is neither a coroutine nor a future."""

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "through the gate"


@scenario("tasks.ensure_future_awaitable")
async def _():
    """ensure_future() takes any awaitable."""
    log(await asyncio.ensure_future(Gate()))
    log(await Gate())


@scenario("tasks.awaits_on_itself")
async def _():
    """A task that awaits itself gets RuntimeError."""
    task = None

    async def work():
        await task

    task = asyncio.create_task(work())
    try:
        await task
    except RuntimeError as exception:
        log("Task cannot await on itself" in str(exception))


@scenario("tasks.other_loop_future")
async def _():
    """Awaiting a future of another loop is a RuntimeError."""
    other = VirtualLoop()
    future = other.create_future()
    try:
        await future
    except RuntimeError as exception:
        log("attached to a different loop" in str(exception))
    other.close()


@scenario("tasks.step_result_future")
async def _():
    """A task can hand a future over as its result; nobody awaits it by the way."""

    async def make():
        return [loop_future()]

    (future,) = await asyncio.create_task(make())
    log(future.done())
    future.set_result(3)
    log(await future)


@scenario("tasks.exception_chaining_after_await")
async def _():
    """While one exception is dealt with, another task's exception comes through by itself."""

    async def work():
        try:
            raise LookupError("first")
        except LookupError:
            pass
        return await ended(asyncio.create_task(fail("second")))

    log(await work())


@scenario("tasks.error_in_call_soon")
def _():
    """A task of a closed loop cannot be made, and its coroutine never runs."""
    loop = VirtualLoop()
    loop.close()

    async def work():
        log("not reached")

    coroutine = work()
    log(call(loop.create_task, coroutine))
    coroutine.close()


@scenario("tasks.never_retrieved")
async def _():
    """An exception that nobody looked at is reported when the task goes."""
    log_reports()
    task = asyncio.create_task(fail("lost"))
    await asyncio.sleep(0)
    del task
    collect()
    log("seen ones are not")
    task = asyncio.create_task(fail("seen"))
    await asyncio.sleep(0)
    log(error(task.exception()))
    del task
    collect()
    log("end")


@scenario("tasks.callbacks")
async def _():
    """Done callbacks of a task get the task, in order, one turn after its end."""
    task = asyncio.create_task(value(9), name="nine")
    task.add_done_callback(lambda done: log("first", done.get_name(), done.result()))
    task.add_done_callback(lambda done: log("second", done is task))
    await task
    log("awaited")
    task.add_done_callback(lambda done: log("late"))
    await asyncio.sleep(0)


@scenario("tasks.frames_end_in_order")
async def _():
    """The locals of a task are gone before the one who awaits it goes on."""

    class Local:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            log("gone:", self.name)

    async def inner():
        local = Local("inner")
        await asyncio.sleep(0)
        return bool(local)

    async def outer():
        local = Local("outer")
        await inner()
        log("inner is over")
        return bool(local)

    await asyncio.create_task(outer())
    log("outer is over")


@scenario("tasks.another_task_of_the_same_loop_fails")
async def _():
    """A task that fails harms nobody else."""
    bad = asyncio.create_task(fail("bad"))
    good = asyncio.create_task(asyncio.sleep(1, "good"))
    log(await good)
    log(await ended(bad), kind(bad.exception()))


if __name__ == "__main__":
    run_scenarios()
