"""signals: loop.add_signal_handler() and remove_signal_handler()."""

import asyncio
import contextvars
import signal

from scenario import VirtualLoop, call, log, log_reports, run_scenarios, scenario, turns


def is_default(number):
    return signal.getsignal(number) == signal.SIG_DFL


@scenario("signals.handler_runs_on_the_loop")
async def _():
    """A handler runs in the loop's next turn, with its arguments, at each arrival."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, log, "handler", 7)
    for _ in range(2):
        signal.raise_signal(signal.SIGUSR1)
        log("raised")
        await turns(3)
    log(loop.remove_signal_handler(signal.SIGUSR1))


@scenario("signals.before_the_loop_runs")
def _():
    """A signal that comes before the loop runs is kept."""
    loop = VirtualLoop()
    loop.add_signal_handler(signal.SIGUSR1, log, "handler")
    signal.raise_signal(signal.SIGUSR1)
    log("raised")
    loop.run_until_complete(turns(3))
    loop.close()
    log(is_default(signal.SIGUSR1))


@scenario("signals.replaces_the_handler")
async def _():
    """A second handler for the same signal replaces the first one."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, log, "first")
    loop.add_signal_handler(signal.SIGUSR1, log, "second")
    signal.raise_signal(signal.SIGUSR1)
    await turns(3)
    log(loop.remove_signal_handler(signal.SIGUSR1), loop.remove_signal_handler(signal.SIGUSR1))
    log(is_default(signal.SIGUSR1))


@scenario("signals.refusals")
async def _():
    """Numbers that are no signals, and signals that cannot be caught, are refused."""
    loop = asyncio.get_running_loop()
    log(call(loop.add_signal_handler, 77, log))
    log(call(loop.add_signal_handler, -1, log))
    log(call(loop.add_signal_handler, signal.SIGKILL, log))
    log(call(loop.add_signal_handler, signal.SIGSTOP, log))
    log(call(loop.remove_signal_handler, 77))
    log(call(loop.remove_signal_handler, signal.SIGKILL))
    log(call(loop.remove_signal_handler, signal.SIGUSR1))


@scenario("signals.handler_that_raises")
async def _():
    """What a handler raises goes to the exception handler; the handler stays."""
    log_reports()
    loop = asyncio.get_running_loop()

    def bad():
        raise ValueError("bad")

    loop.add_signal_handler(signal.SIGUSR1, bad)
    for _ in range(2):
        signal.raise_signal(signal.SIGUSR1)
        await turns(3)
    loop.remove_signal_handler(signal.SIGUSR1)


@scenario("signals.closed_loop")
def _():
    """The end of a loop removes its handlers; a closed one takes none."""
    loop = VirtualLoop()
    loop.add_signal_handler(signal.SIGUSR1, log, "handler")
    log(is_default(signal.SIGUSR1))
    loop.close()
    log(is_default(signal.SIGUSR1))
    log(call(loop.add_signal_handler, signal.SIGUSR1, log))
    log(call(loop.remove_signal_handler, signal.SIGUSR1))


@scenario("signals.context_of_a_handler")
async def _():
    """A handler runs in the context in which it was added, the same each time."""
    loop = asyncio.get_running_loop()
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(1)

    def handler():
        variable.set(variable.get() + 10)
        log(variable.get())

    loop.add_signal_handler(signal.SIGUSR1, handler)
    for _ in range(2):
        signal.raise_signal(signal.SIGUSR1)
        await turns(3)
    log(variable.get())
    loop.remove_signal_handler(signal.SIGUSR1)


@scenario("signals.sigint_within_run")
def _():
    """A handler of SIGINT takes the place of what run() does at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, log, "handler")
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            await turns(3)
        return "done"

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        log(runner.run(main()))


if __name__ == "__main__":
    run_scenarios()
