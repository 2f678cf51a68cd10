"""Words that the scenarios of waiting share: how a task stands, the clock of turns, small jobs.

telling.hpp has the same ones.
"""

import asyncio

from scenario import error, log, now, text


def state(future):
    """Tells how a future stands, without awaiting it."""
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    exception = future.exception()
    return error(exception) if exception else text(future.result())


def states(*futures):
    return " | ".join(state(future) for future in futures)


def cancelling():
    """How many requests to cancel the current task has."""
    return f"cancelling {asyncio.current_task().cancelling()}"


def shown(primitive):
    """The part of a repr in brackets: before it CPython has an address."""
    whole = repr(primitive)
    return whole[whole.index("[") : whole.rindex("]") + 1]


async def clock(count):
    """Logs each turn of the loop: in the log of a scenario it shows how many turns things take."""
    for turn in range(1, count + 1):
        log("--", turn)
        await asyncio.sleep(0)


async def sleeper(name, seconds):
    """Sleeps, gives its name, and logs when it starts, ends or is cancelled."""
    log(name, "starts")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        log(name, "cancelled at", now())
        raise
    log(name, "ends at", now())
    return name


async def failing(name, seconds, exception):
    """As sleeper(), and raises at the end."""
    await sleeper(name, seconds)
    raise exception


async def stubborn(name, seconds, cleanup):
    """As sleeper(), but takes its time to clean up when it is cancelled."""
    try:
        await sleeper(name, seconds)
    except asyncio.CancelledError:
        await asyncio.sleep(cleanup)
        log(name, "cleaned up at", now())
        raise
    return name


async def deaf(name, seconds):
    """Sleeps that long whatever happens, and gives its name."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        try:
            await asyncio.sleep(end - loop.time())
        except asyncio.CancelledError:
            log(name, "ignores a cancel at", now())
    log(name, "ends at", now())
    return name
