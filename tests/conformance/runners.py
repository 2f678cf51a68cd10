"""runners: run() and Runner, their teardown, and Ctrl-C."""

import asyncio
import contextvars
import signal

from scenario import (
    VirtualLoop,
    call,
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


def make_runner():
    return asyncio.Runner(loop_factory=VirtualLoop)


def run(main):
    with make_runner() as runner:
        return runner.run(main)


def interrupt():
    signal.raise_signal(signal.SIGINT)


def take_interrupts():
    # Whoever started the tests may have had SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@scenario("runners.run_return")
def _():
    """run() gives the result of the main coroutine."""
    log(asyncio.run(value(42)))
    log(asyncio.run(value("twice")))


@scenario("runners.run_raises")
def _():
    """run() raises what the main coroutine raises."""
    log(call(asyncio.run, fail("spam")))


@scenario("runners.run_cancelled")
def _():
    """run() raises CancelledError when the main coroutine ends so."""

    async def main():
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    log(call(run, main()))


@scenario("runners.run_from_running_loop")
async def _():
    """run() is refused within a running loop; the coroutine never runs."""

    async def other():
        log("not reached")

    coroutine = other()
    log(call(asyncio.run, coroutine))
    coroutine.close()


@scenario("runners.run_debug")
def _():
    """run() sets debug mode as it is told."""

    async def main():
        return asyncio.get_running_loop().get_debug()

    log(asyncio.run(main(), debug=True), asyncio.run(main(), debug=False))


@scenario("runners.cancels_hanging_tasks")
def _():
    """Tasks that are left are cancelled, and waited for."""

    async def leftover():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            log("cancelled")
            await asyncio.sleep(1)
            log("cleaned up")
            raise

    async def main():
        asyncio.create_task(leftover())
        await turns(1)
        log("main ends")
        return "result"

    log(run(main()))


@scenario("runners.cancels_hanging_tasks_after_an_error")
def _():
    """Tasks that are left are cancelled after an error of main, too."""

    async def leftover():
        try:
            await asyncio.sleep(3600)
        finally:
            log("cleaned up")

    async def main():
        asyncio.create_task(leftover())
        await turns(1)
        raise ValueError("boom")

    log(call(run, main()))


@scenario("runners.tasks_that_never_started")
def _():
    """A task that is left before its first step never starts."""

    async def leftover():
        log("not reached")

    async def main():
        asyncio.create_task(leftover())

    run(main())
    log("end")


@scenario("runners.reports_hanging_tasks_errors")
def _():
    """Errors that the left tasks raise while they are cancelled are reported."""

    async def leftover():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("from the left task") from None

    async def main():
        log_reports()
        asyncio.create_task(leftover())
        await turns(1)

    run(main())
    log("end")


@scenario("runners.hanging_task_that_refuses")
def _():
    """A task that is left and returns instead of ending cancelled is no error."""

    async def leftover():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            log("refused")

    async def main():
        log_reports()
        asyncio.create_task(leftover())
        await turns(1)

    run(main())
    log("end")


@scenario("runners.hanging_task_makes_tasks")
def _():
    """A task that a left one makes while it cleans up is not waited for."""

    async def child():
        log("child runs")
        await asyncio.sleep(1)
        log("not reached")

    async def leftover():
        try:
            await asyncio.sleep(3600)
        finally:
            asyncio.create_task(child())
            await turns(2)
            log("cleaned up")

    async def main():
        log_reports()
        asyncio.create_task(leftover())
        await turns(1)

    run(main())


@scenario("runners.late_callbacks")
def _():
    """Callbacks that main leaves behind still run once."""

    async def main():
        asyncio.get_running_loop().call_soon(log, "callback")
        return "result"

    log(run(main()))


@scenario("runners.runs_several")
def _():
    """A Runner runs several coroutines on one loop; tasks live on between them."""

    async def worker():
        for i in range(3):
            log("worker", i)
            await asyncio.sleep(1)

    async def start():
        asyncio.create_task(worker())
        await asyncio.sleep(0.5)
        return "first"

    with make_runner() as runner:
        loop = runner.get_loop()
        log(runner.run(start()))
        log("between")
        log(runner.run(asyncio.wait_for(asyncio.sleep(1, "second"), None)))
        log(runner.get_loop() is loop, loop.time())
    log("closed")


@scenario("runners.explicit_close")
def _():
    """close() closes the loop; a Runner that is closed is refused."""
    runner = make_runner()
    log(runner.run(value(1)))
    runner.close()
    log(call(runner.get_loop))
    coroutine = value(2)
    log(call(runner.run, coroutine))
    coroutine.close()


@scenario("runners.double_close")
def _():
    """close() is idempotent, also for a Runner that never ran."""
    runner = make_runner()
    runner.run(value(1))
    runner.close()
    runner.close()
    never = make_runner()
    never.close()
    never.close()
    log("closed")


@scenario("runners.run_keeps_context")
def _():
    """What one run sets in its context is there for the next one."""
    var = contextvars.ContextVar("var", default=-1)

    async def main():
        before = var.get()
        var.set(before + 2)
        return before

    with make_runner() as runner:
        log(runner.run(main()), runner.run(main()), runner.run(main()))
    log(var.get())


@scenario("runners.recursive_run")
async def _():
    """A Runner cannot run within a running loop."""
    coroutine = value(1)
    log(call(make_runner().run, coroutine))
    coroutine.close()


@scenario("runners.recursive_run_of_the_same")
def _():
    """A Runner cannot run while it runs."""

    async def main():
        coroutine = value(1)
        log(call(runner.run, coroutine))
        coroutine.close()

    with make_runner() as runner:
        runner.run(main())


@scenario("runners.run_after_an_error")
def _():
    """A Runner goes on after a run that failed."""
    with make_runner() as runner:
        log(call(runner.run, fail("boom")))
        log(runner.run(value("fine")))


@scenario("runners.interrupt_call_soon")
def _():
    """Ctrl-C while main only yields cancels it, and is a KeyboardInterrupt for the caller."""
    take_interrupts()

    async def main():
        asyncio.get_running_loop().call_soon(interrupt)
        try:
            while True:
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            log("cancelled")
            raise

    log(call(run, main()))


@scenario("runners.interrupt_wait")
def _():
    """Ctrl-C while main waits cancels what it waits for."""
    take_interrupts()

    async def main():
        future = loop_future()
        asyncio.get_running_loop().call_later(1, interrupt)
        try:
            await future
        except asyncio.CancelledError:
            log("cancelled", future.cancelled())
            raise

    log(call(run, main()))


@scenario("runners.interrupt_cancelled_task")
def _():
    """Ctrl-C on a main task that was cancelled already leaves CancelledError as it is."""
    take_interrupts()

    async def sub(task):
        await asyncio.sleep(0)
        task.cancel()
        interrupt()

    async def main():
        asyncio.create_task(sub(asyncio.current_task()))
        await asyncio.sleep(10)

    log(call(run, main()))


@scenario("runners.interrupt_swallowed")
def _():
    """A main task that cleans up after Ctrl-C and returns gives its result."""
    take_interrupts()

    async def main():
        asyncio.get_running_loop().call_later(1, interrupt)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("swallowed")
        return "result"

    log(call(run, main()))


@scenario("runners.interrupt_turned_into_an_error")
def _():
    """An error of the main task after Ctrl-C goes through."""
    take_interrupts()

    async def main():
        asyncio.get_running_loop().call_later(1, interrupt)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ValueError("instead") from None

    log(call(run, main()))


@scenario("runners.interrupt_twice")
def _():
    """The second Ctrl-C is a KeyboardInterrupt at once, whatever main does."""
    take_interrupts()

    async def main():
        asyncio.get_running_loop().call_later(1, interrupt)
        asyncio.get_running_loop().call_later(2, interrupt)
        while True:
            try:
                await asyncio.sleep(10)
                return "not reached"
            except asyncio.CancelledError:
                log("refused")

    log(call(run, main()))


@scenario("runners.interrupt_cleans_up")
def _():
    """After Ctrl-C the tasks that are left are cancelled, too."""
    take_interrupts()

    async def leftover():
        try:
            await asyncio.sleep(3600)
        finally:
            log("cleaned up")

    async def main():
        asyncio.create_task(leftover())
        asyncio.get_running_loop().call_later(1, interrupt)
        await asyncio.sleep(10)

    log(call(run, main()))


@scenario("runners.interrupt_handler_is_restored")
def _():
    """The handler of SIGINT is as it was, after a run."""
    take_interrupts()
    before = signal.getsignal(signal.SIGINT)

    async def main():
        return signal.getsignal(signal.SIGINT) is before

    log(run(main()), signal.getsignal(signal.SIGINT) is before)


@scenario("runners.keyboard_interrupt_of_a_task")
def _():
    """KeyboardInterrupt raised by a task leaves run() at once."""
    take_interrupts()

    async def bad():
        raise KeyboardInterrupt

    async def main():
        asyncio.create_task(bad())
        await asyncio.sleep(10)
        log("not reached")

    log(call(run, main()))


@scenario("runners.get_loop")
def _():
    """The loop of a Runner can be had before its first run."""
    with make_runner() as runner:
        loop = runner.get_loop()
        log(loop.is_running(), loop.is_closed())
        runner.run(value(1))
        log(loop is runner.get_loop(), loop.is_closed())
        loop.call_soon(log, "at the next run")
        runner.run(turns(1))


@scenario("runners.ended_task_of_an_earlier_run")
def _():
    """A task of one run may be awaited in the next one."""

    async def start():
        return [asyncio.create_task(asyncio.sleep(1, "from the first run"))]

    async def finish(task):
        return await ended(task)

    with make_runner() as runner:
        (task,) = runner.run(start())
        log(task.done())
        log(runner.run(finish(task)), error(task.exception()))


if __name__ == "__main__":
    run_scenarios()
