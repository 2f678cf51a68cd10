"""eager: tasks whose first step runs inside create_task()."""

import asyncio
import contextvars

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
    run_scenarios,
    scenario,
    turns,
    value,
)


def eager(coroutine, name=None, context=None):
    return asyncio.Task(
        coroutine,
        loop=asyncio.get_running_loop(),
        name=name,
        context=context,
        eager_start=True,
    )


def names():
    return sorted(task.get_name() for task in asyncio.all_tasks())


@scenario("eager.completion", since=(3, 12))
async def _():
    """A body that never waits is done when create_task() comes back."""

    async def work():
        log("runs")
        return "hello"

    task = eager(work())
    log("created", task.done(), task.result())
    log(await task)


@scenario("eager.await_future_during_eager_step", since=(3, 12))
async def _():
    """A result that the eager step sets is there at once."""
    future = loop_future()

    async def set_result():
        future.set_result("my message")

    task = eager(set_result())
    log(task.done(), future.done())
    log(await future)


@scenario("eager.block_after_eager_step", since=(3, 12))
async def _():
    """A body that waits becomes an ordinary task."""

    async def work():
        log("first step")
        await asyncio.sleep(0.1)
        log("second step")
        return "finished after blocking"

    task = eager(work())
    log("created", task.done())
    log(await task, task.done())


@scenario("eager.cancellation_after_eager_completion", since=(3, 12))
async def _():
    """A task that is done cannot be cancelled."""
    task = eager(value("finished without blocking"))
    log(task.cancel(), task.cancelled(), task.cancelling())
    log(await task)


@scenario("eager.cancellation_after_eager_step_blocks", since=(3, 12))
async def _():
    """After its eager step a task is cancelled where it waits."""

    async def work():
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError as exception:
            log("caught", error(exception))
            raise

    task = eager(work())
    log(task.cancel("cancellation message"))
    log(task.cancelling())
    log(await ended(task), task.cancelled())


@scenario("eager.cancel_self_in_eager_step", since=(3, 12))
async def _():
    """A task that cancels itself in its eager step is cancelled at its first wait."""

    async def work():
        asyncio.current_task().cancel()
        log("still running")
        await asyncio.sleep(1)
        log("not reached")

    task = eager(work())
    log(task.done(), task.cancelling())
    log(await ended(task))


@scenario("eager.cancel_self_and_return", since=(3, 12))
async def _():
    """A task that cancels itself in its eager step and returns is cancelled."""

    async def work():
        asyncio.current_task().cancel()
        return "lost"

    task = eager(work())
    log(task.done(), task.cancelled())
    log(await ended(task))


@scenario("eager.exception", since=(3, 12))
async def _():
    """An error of the eager step is the task's, and not raised by create_task()."""
    task = eager(fail("boom"))
    log(task.done(), error(task.exception()))
    log(await ended(task))


@scenario("eager.exception_unretrieved", since=(3, 12))
async def _():
    """An error of the eager step that nobody takes is reported."""
    log_reports()
    task = eager(fail("lost"))
    del task
    collect()
    log("end")


@scenario("eager.cancelled_error", since=(3, 12))
async def _():
    """A body that raises CancelledError in its eager step is cancelled."""

    async def work():
        raise asyncio.CancelledError("of its own")

    task = eager(work())
    log(task.done(), task.cancelled())
    log(await ended(task))


@scenario("eager.current_task", since=(3, 12))
async def _():
    """In the eager step the new task is the running one, and afterwards the old one again."""
    asyncio.current_task().set_name("main")

    async def work():
        log(asyncio.current_task().get_name())
        await asyncio.sleep(0)
        log(asyncio.current_task().get_name())

    task = eager(work(), name="child")
    log(asyncio.current_task().get_name())
    await task
    log(asyncio.current_task().get_name())


@scenario("eager.all_tasks_with_completion", since=(3, 12))
async def _():
    """An eager task is among all_tasks() while it runs, and not when it is done."""
    asyncio.current_task().set_name("main")

    async def work():
        log(names())

    eager(work(), name="child")
    log(names())


@scenario("eager.all_tasks_with_blocking", since=(3, 12))
async def _():
    """An eager task that waits is among all_tasks() until it is done."""
    asyncio.current_task().set_name("main")
    future = loop_future()

    async def work():
        log(names())
        await future

    task = eager(work(), name="child")
    log(names())
    future.set_result(None)
    await task
    log(names())


@scenario("eager.context_vars", since=(3, 12))
async def _():
    """The eager step, too, runs in a copy of the context."""
    var = contextvars.ContextVar("var", default=0)

    async def work():
        log(var.get())
        var.set(2)
        await asyncio.sleep(0.1)
        log(var.get())
        var.set(3)

    var.set(1)
    task = eager(work())
    log(var.get())
    await task
    log(var.get())


@scenario("eager.shared_context", since=(3, 12))
async def _():
    """An eager task that is given a context runs in it."""
    var = contextvars.ContextVar("var", default="nope")
    context = contextvars.copy_context()

    async def work():
        var.set("set in the eager step")

    eager(work(), context=context)
    log(var.get(), context[var])


@scenario("eager.callbacks_are_scheduled", since=(3, 12))
async def _():
    """Done callbacks of a task that is done already are scheduled as always."""
    task = eager(value(1))
    task.add_done_callback(lambda done: log("callback", done.result()))
    log("added")
    await turns(1)
    log("main")


@scenario("eager.task_factory", since=(3, 12))
async def _():
    """With eager_task_factory all tasks are eager."""
    loop = asyncio.get_running_loop()
    log(loop.get_task_factory() is None)
    loop.set_task_factory(asyncio.eager_task_factory)
    task = asyncio.create_task(value("eager"))
    log(task.done(), loop.get_task_factory() is None)
    loop.set_task_factory(None)
    task = asyncio.create_task(value("lazy"))
    log(task.done())
    await task


@scenario("eager.gather", since=(3, 12))
async def _():
    """gather() of eager tasks that never wait is done at once."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    asyncio.get_running_loop().call_soon(log, "a turn")
    outer = asyncio.gather(value(1), value(2))
    log(outer.done())
    log(await outer)
    outer = asyncio.gather(value(1), asyncio.sleep(1, 2))
    log(outer.done())
    log(await outer)


@scenario("eager.gather_with_error", since=(3, 12))
async def _():
    """gather() of eager tasks one of which fails at once."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    outer = asyncio.gather(asyncio.sleep(1), fail("boom"))
    log(outer.done())
    log(await ended(outer))


@scenario("eager.recursive", since=(3, 12))
async def _():
    """Eager tasks that make eager tasks, deep down."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

    async def work(depth):
        if depth == 0:
            return 1
        return 1 + await asyncio.create_task(work(depth - 1))

    task = asyncio.create_task(work(30))
    log(task.done(), await task)


@scenario("eager.recursive_gather", since=(3, 12))
async def _():
    """gather() of gathers of eager tasks."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    count = 0

    async def work(depth):
        nonlocal count
        count += 1
        if depth == 0:
            await asyncio.sleep(0)
            return
        await asyncio.gather(*[work(depth - 1) for _ in range(3)])

    await work(4)
    log(count)


@scenario("eager.recursive_taskgroups", since=(3, 12))
async def _():
    """Groups of groups of eager tasks."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    count = 0

    async def work(depth):
        nonlocal count
        count += 1
        if depth == 0:
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(work(depth - 1))

    await work(4)
    log(count)


@scenario("eager.task_group_with_error", since=(3, 13))
async def _():
    """A group whose eager task fails at once is told in that instant; the body goes on."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("boom"))
            log("body goes on", asyncio.current_task().cancelling())
            log(call(group.create_task, value(1)).startswith("RuntimeError"))
            await asyncio.sleep(1)
            log("not reached")
    except BaseException as exception:
        log(error(exception), asyncio.current_task().cancelling())


@scenario("eager.wait", since=(3, 12))
async def _():
    """wait() for eager tasks, done and not done."""
    tasks = [eager(value(1), name="a"), eager(asyncio.sleep(1), name="b")]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    log([task.get_name() for task in done], [task.get_name() for task in pending])
    await tasks[1]


@scenario("eager.shield", since=(3, 12))
async def _():
    """shield() of an eager task that is done is that task."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    outer = asyncio.shield(value("done"))
    log(outer.done(), await outer)


@scenario("eager.order", since=(3, 12))
async def _():
    """Eager steps run in the order of create_task(), what follows in the order of the loop."""

    async def work(name):
        log(name, "eager")
        await asyncio.sleep(0)
        log(name, "later")

    asyncio.get_running_loop().call_soon(log, "soon")
    first = eager(work("first"))
    lazy = asyncio.create_task(work("lazy"))
    second = eager(work("second"))
    log("created")
    await asyncio.gather(first, lazy, second)


@scenario("eager.not_running", since=(3, 12))
def _():
    """On a loop that does not run an eager task starts as any other."""
    loop = VirtualLoop()
    loop.set_task_factory(asyncio.eager_task_factory)

    async def work():
        log("runs")
        return "result"

    coroutine = work()
    task = loop.create_task(coroutine)
    log(task.done())
    log(call(loop.run_until_complete, task))
    loop.close()


if __name__ == "__main__":
    run_scenarios()
