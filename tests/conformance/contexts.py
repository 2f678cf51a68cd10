"""contexts: the variables of a task, and where they are seen."""

import asyncio
import contextvars

from scenario import (
    VirtualLoop,
    fail,
    kind,
    log,
    loop_future,
    run_scenarios,
    scenario,
    turns,
)


def make_var(name="var"):
    return contextvars.ContextVar(name, default="nope")


def refused(function, *args):
    """The type of the error of a call, for the texts differ."""
    try:
        function(*args)
    except Exception as exception:
        return kind(exception)
    return "accepted"


@scenario("contexts.get")
def _():
    """get() gives the value, or the fallback, or the default, or LookupError."""
    var, without = make_var(), contextvars.ContextVar("without")

    def body():
        log(var.name, var.get(), var.get("fallback"))
        log(refused(without.get), without.get("fallback"))
        var.set("value")
        without.set("other")
        log(var.get(), var.get("fallback"), without.get())

    contextvars.copy_context().run(body)
    log(var.get(), refused(without.get))


@scenario("contexts.reset")
def _():
    """A token restores the value from before its set()."""
    var = make_var()

    def body():
        first = var.set("first")
        second = var.set("second")
        log(var.get(), second.old_value)
        var.reset(second)
        log(var.get())
        var.reset(first)
        log(var.get())

    contextvars.copy_context().run(body)


@scenario("contexts.reset_misused")
def _():
    """A token is good once, for its variable, and in its context."""
    var, other = make_var(), make_var("other")

    def body():
        token = var.set("value")
        log(refused(other.reset, token))
        log(contextvars.copy_context().run(refused, var.reset, token))
        var.reset(token)
        log(refused(var.reset, token), var.get())

    contextvars.copy_context().run(body)


@scenario("contexts.run")
def _():
    """run() keeps in its context what is set there."""
    var = make_var()
    context = contextvars.copy_context()
    context.run(var.set, "inside")
    log(var.get(), context.run(var.get), context[var], var in context)
    empty = contextvars.Context()
    log(len(empty), var in empty, empty.run(var.get))


@scenario("contexts.run_twice")
def _():
    """A context that is entered cannot be entered again; afterwards it can."""
    context = contextvars.copy_context()
    log(context.run(refused, context.run, lambda: None))
    log(refused(context.run, lambda: None))


@scenario("contexts.run_raises")
def _():
    """run() lets an error through, and leaves the context."""
    var = make_var()
    context = contextvars.copy_context()

    def body():
        var.set("set before the error")
        raise ValueError("boom")

    log(refused(context.run, body), var.get(), context.run(var.get))


@scenario("contexts.copy")
def _():
    """A copy goes its own way."""
    var = make_var()
    context = contextvars.copy_context()
    context.run(var.set, "original")
    copy = context.copy()
    copy.run(var.set, "copy")
    log(context[var], copy[var])


@scenario("contexts.context_1")
async def _():
    """A task has a copy of the context that it was made in; what it sets is its own."""
    var = make_var()

    async def sub():
        await asyncio.sleep(0.01)
        log(var.get())
        var.set("something else")

    log(var.get())
    task = asyncio.create_task(sub())
    var.set("yes")
    log(var.get())
    await task
    log(var.get())


@scenario("contexts.context_2")
async def _():
    """What a done callback sets stays in that callback."""
    var = make_var()
    loop = asyncio.get_running_loop()

    def on_done(_):
        log("callback sees", var.get())
        var.set("something else")

    for j in range(2):
        future = loop_future()
        future.add_done_callback(on_done)
        var.set(f"yes{j}")
        loop.call_soon(future.set_result, None)
        await future
        log(var.get())
        for i in range(3):
            var.set(f"yes{i}-{j}")
            await asyncio.sleep(0.001)
            log(var.get())


@scenario("contexts.context_3")
async def _():
    """Many tasks, each with its own value through all its suspensions."""
    var = contextvars.ContextVar("var", default=-1)

    async def sub(number):
        for i in range(10):
            var.set(number + i)
            await asyncio.sleep(0.001 * (number % 7))
            if var.get() != number + i:
                log("wrong")

    await asyncio.gather(*[asyncio.create_task(sub(i * 10)) for i in range(20)])
    log(var.get())


@scenario("contexts.context_5")
async def _():
    """A task that is given a context runs in it, and not in a copy."""
    var = make_var()
    context = contextvars.copy_context()

    async def sub():
        await asyncio.sleep(0.01)
        log(var.get())
        var.set("from the task")
        await asyncio.sleep(0.01)

    context.run(var.set, "given")
    await asyncio.create_task(sub(), context=context)
    log(var.get(), context[var])


@scenario("contexts.context_6")
async def _():
    """Two tasks may share one context."""
    var = make_var()
    context = contextvars.copy_context()

    async def writer():
        var.set("written")
        await asyncio.sleep(1)

    async def reader():
        await asyncio.sleep(0.5)
        log(var.get())
        var.set("read")

    await asyncio.gather(
        asyncio.create_task(writer(), context=context),
        asyncio.create_task(reader(), context=context),
    )
    log(context[var], var.get())


@scenario("contexts.awaited_coroutine")
async def _():
    """A coroutine that is awaited shares the context of its task."""
    var = make_var()

    async def inner():
        log(var.get())
        var.set("set inside")
        await asyncio.sleep(1)

    var.set("set outside")
    await inner()
    log(var.get())


@scenario("contexts.gather")
async def _():
    """The children of gather() have copies of their own."""
    var = make_var()

    async def child(name):
        log(name, var.get())
        var.set(name)
        await asyncio.sleep(0)
        log(name, var.get())

    var.set("parent")
    await asyncio.gather(child("a"), child("b"))
    log(var.get())


@scenario("contexts.shield")
async def _():
    """What is shielded is a task of its own, with a copy."""
    var = make_var()

    async def inner():
        var.set("inner")

    await asyncio.shield(inner())
    log(var.get())


@scenario("contexts.wait_for", since=(3, 12))
async def _():
    """A coroutine in wait_for() runs in the caller's task, and so in its context."""
    var = make_var()

    async def inner():
        await asyncio.sleep(0)
        var.set("inner")

    await asyncio.wait_for(inner(), 1)
    log(var.get())


@scenario("contexts.timeout")
async def _():
    """The body of timeout() runs in the caller's context."""
    var = make_var()
    async with asyncio.timeout(1):
        await asyncio.sleep(0)
        var.set("inner")
    log(var.get())


@scenario("contexts.task_group")
async def _():
    """The tasks of a group have copies; its body has the context of the parent."""
    var = make_var()

    async def child():
        log("child", var.get())
        var.set("child")

    async with asyncio.TaskGroup() as group:
        var.set("body")
        group.create_task(child())
        await asyncio.sleep(0)
    log(var.get())


@scenario("contexts.callbacks")
async def _():
    """Callbacks and timers run in a copy of the context that they were scheduled in."""
    var = make_var()
    loop = asyncio.get_running_loop()
    var.set("soon")
    loop.call_soon(lambda: log("call_soon", var.get()))
    var.set("later")
    loop.call_later(1, lambda: log("call_later", var.get()))
    var.set("at")
    loop.call_at(2, lambda: log("call_at", var.get()))
    var.set("main")
    await asyncio.sleep(3)


@scenario("contexts.callback_sets")
async def _():
    """What a callback sets is not seen outside, nor by the next callback."""
    var = make_var()
    loop = asyncio.get_running_loop()

    def callback(name):
        log(name, "sees", var.get())
        var.set(name)

    loop.call_soon(callback, "first")
    loop.call_soon(callback, "second")
    await turns(1)
    log(var.get())


@scenario("contexts.done_callbacks")
async def _():
    """A done callback runs in the context that it was added in, not that of who ends the future."""
    var = make_var()
    future = loop_future()

    async def adder(name):
        var.set(name)
        future.add_done_callback(lambda _: log(name, "sees", var.get()))

    async def setter():
        var.set("setter")
        future.set_result(None)

    await asyncio.create_task(adder("first"))
    await asyncio.create_task(adder("second"))
    await asyncio.create_task(setter())
    await turns(1)


@scenario("contexts.get_context", since=(3, 12))
async def _():
    """A task's context may be asked for, while it runs and afterwards."""
    var = make_var()

    async def sub():
        var.set("in the task")
        await asyncio.sleep(1)

    task = asyncio.create_task(sub())
    log(var in task.get_context())
    await asyncio.sleep(0.5)
    log(task.get_context()[var])
    await task
    log(task.get_context()[var])


@scenario("contexts.set_before_the_first_step")
async def _():
    """What is set between create_task() and the first step is not seen by the task."""
    var = make_var()

    async def sub():
        log(var.get())

    var.set("at the making")
    task = asyncio.create_task(sub())
    var.set("afterwards")
    await task


@scenario("contexts.task_exc_handler_correct_context", since=(3, 12))
async def _():
    """The exception handler runs in the context of the task that is reported."""
    var = make_var()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: log("handler sees", var.get()))

    async def sub():
        var.set("the task")
        await fail("lost")

    var.set("main")
    task = asyncio.create_task(sub())
    await turns(2)
    del task


@scenario("contexts.handle_exc_handler_correct_context", since=(3, 12))
async def _():
    """The exception handler runs in the context of the callback that failed."""
    var = make_var()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: log("handler sees", var.get()))

    def callback():
        var.set("the callback")
        raise ValueError("boom")

    var.set("main")
    loop.call_soon(callback)
    await turns(1)
    log(var.get())


@scenario("contexts.plain_loop")
def _():
    """Outside of tasks the context of the thread is the one that is copied."""
    var = make_var()
    loop = VirtualLoop()

    async def sub():
        log(var.get())
        var.set("in the task")

    def body():
        var.set("outside")
        loop.run_until_complete(sub())
        log(var.get())

    contextvars.copy_context().run(body)
    loop.close()


if __name__ == "__main__":
    run_scenarios()
