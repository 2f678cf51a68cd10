"""staggered_race: the same thing tried in several ways, each a little after the one before it."""

import asyncio
import functools
from asyncio.staggered import staggered_race

from scenario import ended, error, log, now, run_scenarios, scenario, turns
from telling import failing, sleeper, state, stubborn


def told(result):
    value, index, exceptions = result
    return f"{value} {index} [{', '.join(map(error, exceptions))}]"


async def race(delay, *coroutines):
    """Races functions, each given as a tuple of a coroutine function and its arguments."""
    return told(await staggered_race([functools.partial(*each) for each in coroutines], delay))


@scenario("staggered.empty")
async def _():
    """A race of nobody has no winner."""
    log(await race(None))
    log(await race(1), now())


@scenario("staggered.one_successful")
async def _():
    """When the first succeeds, the next is not started."""
    log(await race(None, (sleeper, "a", 0.5), (sleeper, "b", 0)))


@scenario("staggered.first_fails_second_succeeds")
async def _():
    """The next is started when one fails."""
    log(await race(None, (failing, "a", 0.5, ValueError(0)), (sleeper, "b", 0.5)))
    log(now())


@scenario("staggered.first_too_slow_second_succeeds")
async def _():
    """The next is started after the delay; the loser is cancelled."""
    log(await race(0.25, (sleeper, "a", 10), (sleeper, "b", 0.5)))
    log(now())


@scenario("staggered.none_successful")
async def _():
    """With no success there is no winner, and all the errors."""
    log(await race(None, (failing, "a", 0, ValueError("a")), (failing, "b", 1, LookupError("b"))))
    log(now())


@scenario("staggered.early_one_wins_late")
async def _():
    """An early one may win after others have started."""
    log(await race(0.25, (sleeper, "a", 0.625), (sleeper, "b", 10), (sleeper, "c", 10)))
    log(now())


@scenario("staggered.failure_hastens_the_next")
async def _():
    """A failure does not wait for the delay."""
    log(await race(1, (failing, "a", 0.25, ValueError("a")), (sleeper, "b", 1.5), (sleeper, "c", 9)))
    log(now())


@scenario("staggered.only_the_last_one_started_hastens")
async def _():
    """Only the one started last hastens the next."""
    log(
        await race(
            1,
            (failing, "a", 1.25, ValueError("a")),
            (sleeper, "b", 10),
            (sleeper, "c", 0.5),
        )
    )
    log(now())


@scenario("staggered.not_started_are_not_in_the_list")
async def _():
    """Those that were not started are not in the list of errors."""
    log(await race(1, (sleeper, "a", 1.5), (sleeper, "b", 10), (sleeper, "c", 10)))
    log(now())


@scenario("staggered.without_delay_one_at_a_time")
async def _():
    """Without a delay there is one at a time."""
    log(
        await race(
            None,
            (failing, "a", 1, ValueError("a")),
            (failing, "b", 1, ValueError("b")),
            (sleeper, "c", 1),
            (sleeper, "d", 1),
        )
    )
    log(now())


@scenario("staggered.losers_are_waited_for")
async def _():
    """Losers are waited for."""
    log(await race(0.25, (stubborn, "a", 10, 2), (sleeper, "b", 0.5)))
    log(now())


@scenario("staggered.cancelled")
async def _():
    """Cancelling the race cancels the one that runs."""
    task = asyncio.create_task(race(None, (sleeper, "a", 10), (sleeper, "b", 10)))
    await asyncio.sleep(0.5)
    task.cancel()
    log(await ended(task))
    await turns(3)
    log(state(task), now())


if __name__ == "__main__":
    run_scenarios()
