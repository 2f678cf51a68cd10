"""Semaphore and BoundedSemaphore: so many at a time."""

import asyncio

from scenario import call, ended, log, now, run_scenarios, scenario, turns
from telling import clock, shown, state, states


async def acquire(semaphore, name):
    try:
        log(name, "has one", await semaphore.acquire())
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise


def acquire_each(semaphore, names):
    return [asyncio.create_task(acquire(semaphore, name)) for name in names]


@scenario("semaphores.initial_value_zero")
async def _():
    """A semaphore may begin with no permit."""
    log(asyncio.Semaphore(0).locked(), asyncio.Semaphore(1).locked())


@scenario("semaphores.repr")
async def _():
    """The repr tells the value, and counts those who wait."""
    semaphore = asyncio.Semaphore()
    log(shown(semaphore))
    await semaphore.acquire()
    log(shown(semaphore))
    tasks = acquire_each(semaphore, "ab")
    await turns(1)
    log(shown(semaphore))
    semaphore.release()
    log(shown(semaphore))
    await turns(1)
    semaphore.release()
    await asyncio.gather(*tasks)
    log(shown(semaphore))
    log(shown(asyncio.BoundedSemaphore(3)))


@scenario("semaphores.negative_value")
async def _():
    """A negative value is refused."""
    log(call(asyncio.Semaphore, -1))
    log(call(asyncio.BoundedSemaphore, -1))


@scenario("semaphores.acquire")
async def _():
    """Permits go to those who wait in the order in which they came."""
    semaphore = asyncio.Semaphore(3)
    log(await semaphore.acquire(), await semaphore.acquire(), semaphore.locked())
    tasks = acquire_each(semaphore, "abc")
    await turns(1)
    log(shown(semaphore))
    tasks += acquire_each(semaphore, "d")
    semaphore.release()
    semaphore.release()
    log(shown(semaphore))
    await turns(1)
    log(shown(semaphore), states(*tasks))
    semaphore.release()
    await asyncio.gather(*tasks)
    log(shown(semaphore))


@scenario("semaphores.free_permit_does_not_yield")
async def _():
    """A free permit is taken without a turn of the loop."""
    semaphore = asyncio.Semaphore(2)
    ticking = asyncio.create_task(clock(1))
    await semaphore.acquire()
    async with semaphore:
        log(semaphore.locked())
    log(semaphore.locked())
    await ticking


@scenario("semaphores.acquire_cancelled")
async def _():
    """A cancelled wait leaves nothing behind."""
    semaphore = asyncio.Semaphore()
    await semaphore.acquire()
    task = asyncio.create_task(acquire(semaphore, "a"))
    asyncio.get_running_loop().call_soon(task.cancel)
    log(await ended(task))
    log(shown(semaphore))


@scenario("semaphores.acquire_cancelled_before_awoken")
async def _():
    """Those who were cancelled before the release are passed over."""
    semaphore = asyncio.Semaphore(0)
    tasks = acquire_each(semaphore, "abcd")
    await turns(1)
    tasks[0].cancel()
    tasks[1].cancel()
    semaphore.release()
    await turns(2)
    log(states(*tasks), shown(semaphore))
    tasks[2].cancel()
    tasks[3].cancel()
    await turns(1)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.acquire_hang")
async def _():
    """A permit does not get lost in a cancelled wait."""
    semaphore = asyncio.Semaphore(0)
    tasks = acquire_each(semaphore, "ab")
    await turns(1)
    tasks[0].cancel()
    semaphore.release()
    await turns(2)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.acquire_no_hang", since=(3, 12))
async def _():
    """Nor when the one who was woken is cancelled."""
    semaphore = asyncio.Semaphore(1)

    async def first():
        async with semaphore:
            await turns(1)
        second_task.cancel()

    async def second():
        async with semaphore:
            log("not reached")

    first_task, second_task = asyncio.create_task(first()), asyncio.create_task(second())
    log(await ended(first_task))
    log(await ended(second_task))
    log(shown(semaphore))
    log(await asyncio.wait_for(semaphore.acquire(), 1), now())


@scenario("semaphores.release_then_cancel", since=(3, 12))
async def _():
    """One who was woken and then cancelled gives the permit to the next."""
    semaphore = asyncio.Semaphore(0)
    tasks = acquire_each(semaphore, "abc")
    await turns(1)
    semaphore.release()
    tasks[0].cancel()
    ticking = asyncio.create_task(clock(3))
    await ticking
    log(states(*tasks), shown(semaphore))
    semaphore.release()
    await turns(2)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.two_released_and_both_cancelled", since=(3, 12))
async def _():
    """The same for two at a time."""
    semaphore = asyncio.Semaphore(0)
    tasks = acquire_each(semaphore, "abcd")
    await turns(1)
    semaphore.release()
    semaphore.release()
    tasks[0].cancel()
    tasks[1].cancel()
    await turns(4)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.bounded_release_too_often")
async def _():
    """A bounded semaphore refuses one permit too many."""
    semaphore = asyncio.BoundedSemaphore()
    log(call(semaphore.release))
    await semaphore.acquire()
    log(call(semaphore.release), call(semaphore.release))
    unbounded = asyncio.Semaphore()
    log(call(unbounded.release), shown(unbounded))


@scenario("semaphores.release_no_waiters")
async def _():
    """A permit for which nobody waits is free."""
    semaphore = asyncio.Semaphore()
    await semaphore.acquire()
    log(semaphore.locked())
    semaphore.release()
    log(semaphore.locked())


@scenario("semaphores.fifo_of_those_who_come_again", since=(3, 12))
async def _():
    """Who comes again waits behind those who are there."""
    semaphore = asyncio.Semaphore(1)

    async def twice(name):
        for time in (1, 2):
            await semaphore.acquire()
            log(name, time, now())
            await asyncio.sleep(0.25)
            semaphore.release()

    await asyncio.gather(*(twice(name) for name in "abc"))


@scenario("semaphores.fifo_nobody_overtakes", since=(3, 12))
async def _():
    """The same when two permits are released at once."""
    semaphore = asyncio.Semaphore(1)

    async def release_and_acquire_again():
        await acquire(semaphore, "b")
        semaphore.release()
        await acquire(semaphore, "b again")

    tasks = acquire_each(semaphore, "a")
    tasks.append(asyncio.create_task(release_and_acquire_again()))
    tasks += acquire_each(semaphore, "c")
    await turns(1)
    semaphore.release()
    semaphore.release()
    await asyncio.gather(*tasks)
    log(shown(semaphore))


@scenario("semaphores.fifo_after_a_cancel")
async def _():
    """The order stays after a cancellation."""
    semaphore = asyncio.Semaphore(0)
    tasks = acquire_each(semaphore, "abc")
    await turns(1)
    tasks[0].cancel()
    await turns(1)
    semaphore.release()
    semaphore.release()
    await turns(2)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.fifo_of_several_released_at_once", since=(3, 12))
async def _():
    """All who can be served are woken in one turn."""
    semaphore = asyncio.Semaphore(0)
    late = []

    async def first():
        await acquire(semaphore, "a")
        late.append(asyncio.create_task(turns(0)))
        late[0].add_done_callback(lambda _: log("late task is done"))

    async def second():
        for _ in range(3):
            semaphore.release()
        log(shown(semaphore), semaphore.locked())
        await acquire(semaphore, "b")

    tasks = [asyncio.create_task(first()), asyncio.create_task(second())]
    tasks += acquire_each(semaphore, "c")
    await turns(1)
    log(shown(semaphore))
    await turns(3)
    log(states(*tasks), shown(semaphore))


@scenario("semaphores.newcomer_waits_behind_a_woken_one", since=(3, 12))
async def _():
    """Nobody takes the permit of one who was woken for it."""
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    tasks = acquire_each(semaphore, "a")
    await turns(1)
    semaphore.release()
    log(semaphore.locked())
    tasks += acquire_each(semaphore, "b")
    await turns(2)
    log(states(*tasks), shown(semaphore))
    semaphore.release()
    await tasks[1]


@scenario("semaphores.block_releases")
async def _():
    """The block gives its permit back."""
    semaphore = asyncio.Semaphore(1)

    async def fails():
        async with semaphore:
            raise ValueError("in the block")

    log(await ended(fails()), semaphore.locked())
    async with semaphore:
        log(semaphore.locked())
    log(semaphore.locked())


@scenario("semaphores.at_most_two_at_a_time")
async def _():
    """So many at a time."""
    semaphore = asyncio.Semaphore(2)

    async def work(name):
        async with semaphore:
            log(name, "begins", now())
            await asyncio.sleep(1)
            log(name, "ends", now())

    await asyncio.gather(*(work(name) for name in "abcde"))


if __name__ == "__main__":
    run_scenarios()
