"""Barrier: a meeting point of tasks."""

import asyncio

from scenario import call, ended, error, kind, log, run_scenarios, scenario, turns
from telling import clock, shown, state, states


async def pass_through(barrier, name):
    try:
        log(name, "is through as", await barrier.wait())
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise
    except asyncio.BrokenBarrierError as exception:
        log(name, error(exception))


def send(barrier, names):
    return [asyncio.create_task(pass_through(barrier, name)) for name in names]


def stand(barrier):
    return f"{shown(barrier)} waiting {barrier.n_waiting} broken {barrier.broken}"


@scenario("barriers.repr_filling_and_draining")
async def _():
    """The repr while the barrier fills and drains."""
    barrier = asyncio.Barrier(3)
    log(stand(barrier), barrier.parties)
    tasks = send(barrier, "ab")
    await turns(1)
    log(stand(barrier))
    tasks += send(barrier, "c")
    await turns(1)
    log(stand(barrier))
    await asyncio.gather(*tasks)
    log(stand(barrier))


@scenario("barriers.repr_resetting_and_broken")
async def _():
    """The repr while the barrier is reset, and when it is broken."""
    barrier = asyncio.Barrier(3)
    tasks = send(barrier, "abc")
    await turns(1)
    tasks += send(barrier, "de")
    await turns(1)
    await barrier.reset()
    log(stand(barrier))
    tasks += send(barrier, "fg")
    await turns(1)
    log(stand(barrier))
    await barrier.abort()
    log(stand(barrier))
    await asyncio.gather(*tasks)
    log(stand(barrier))


@scenario("barriers.parties")
async def _():
    """A barrier is for one at least."""
    log(call(asyncio.Barrier, 0))
    log(call(asyncio.Barrier, -4))
    log(asyncio.Barrier(5).parties)


@scenario("barriers.one_party")
async def _():
    """A barrier for one is not waited at."""
    barrier = asyncio.Barrier(1)
    ticking = asyncio.create_task(clock(1))
    log(await barrier.wait(), await barrier.wait())
    log(stand(barrier))
    await ticking


@scenario("barriers.one_party_in_tasks")
async def _():
    """The same in tasks."""
    barrier = asyncio.Barrier(1)
    first = asyncio.create_task(barrier.wait())
    await turns(1)
    log(stand(barrier))
    second = asyncio.create_task(barrier.wait())
    await turns(1)
    log(states(first, second), stand(barrier))


@scenario("barriers.task_by_task")
async def _():
    """Those who wait are counted, and go on together."""
    barrier = asyncio.Barrier(3)
    tasks = []
    for name in "abc":
        tasks += send(barrier, name)
        await turns(1)
        log(stand(barrier))
    ticking = asyncio.create_task(clock(3))
    await asyncio.gather(*tasks)
    log(stand(barrier))
    await ticking


@scenario("barriers.all_at_once")
async def _():
    """Who comes last goes on at once; each has its number."""
    barrier = asyncio.Barrier(5)
    await asyncio.gather(*send(barrier, "abcde"))
    log(stand(barrier))


@scenario("barriers.wait_twice")
async def _():
    """A barrier is used again, with new numbers."""
    barrier = asyncio.Barrier(3)

    async def twice(name):
        await pass_through(barrier, name)
        await pass_through(barrier, name + " again")

    await asyncio.gather(*(twice(name) for name in "abc"))
    log(stand(barrier))


@scenario("barriers.more_come_than_fit")
async def _():
    """Who is too many waits for the next round."""
    barrier = asyncio.Barrier(2)
    tasks = send(barrier, "abcde")
    await turns(6)
    log(states(*tasks), stand(barrier))
    tasks += send(barrier, "f")
    await asyncio.gather(*tasks)
    log(stand(barrier))


@scenario("barriers.draining")
async def _():
    """The barrier drains until the last one has left."""
    barrier = asyncio.Barrier(4)

    async def look(name):
        await barrier.wait()
        log(name, stand(barrier))

    await asyncio.gather(*(look(name) for name in "abcd"))
    log(stand(barrier))


@scenario("barriers.newcomers_block_while_draining")
async def _():
    """Nobody enters a barrier that drains."""
    barrier, others = asyncio.Barrier(5), asyncio.Barrier(3)
    again = []

    async def work(name):
        await pass_through(barrier, name)
        if len(again) < 2:
            again.append(name)
        else:
            await others.wait()
            log(name, "met the others")
        await pass_through(barrier, name + " again")

    await asyncio.gather(*(work(name) for name in "abcde"))
    log(stand(barrier), stand(others))


@scenario("barriers.cancel_one")
async def _():
    """One who is cancelled no longer counts."""
    barrier = asyncio.Barrier(3)

    async def pass_without_number(name):
        await barrier.wait()
        log(name, "is through")

    tasks = [asyncio.create_task(pass_without_number(name)) for name in "ab"]
    await turns(1)
    tasks[0].cancel()
    await turns(1)
    log(stand(barrier), states(*tasks))
    tasks.append(asyncio.create_task(pass_without_number("c")))
    await turns(1)
    log(stand(barrier))
    tasks.append(asyncio.create_task(pass_without_number("d")))
    await asyncio.gather(*tasks[1:])
    log(stand(barrier))


@scenario("barriers.cancel_one_that_is_being_let_through", since=(3, 13))
async def _():
    """One who is cancelled while he is let through leaves the others alone."""
    barrier = asyncio.Barrier(3)
    tasks = send(barrier, "abc")
    await turns(1)
    tasks[1].cancel()
    await turns(4)
    log(states(*tasks), stand(barrier))


@scenario("barriers.cancel_one_that_blocks_while_draining", since=(3, 13))
async def _():
    """One who is cancelled before he could enter never counts."""
    barrier = asyncio.Barrier(2)
    tasks = send(barrier, "abcd")
    await turns(1)
    log(stand(barrier))
    tasks[2].cancel()
    await turns(4)
    log(states(*tasks), stand(barrier))
    tasks += send(barrier, "e")
    await turns(4)
    log(states(*tasks), stand(barrier))


@scenario("barriers.reset_empty")
async def _():
    """An empty barrier is as new after reset()."""
    barrier = asyncio.Barrier(1)
    await barrier.reset()
    log(stand(barrier))
    task = asyncio.create_task(barrier.reset())
    await turns(1)
    log(state(task), stand(barrier))


@scenario("barriers.reset_while_waiting")
async def _():
    """reset() breaks the wait of all who are there."""
    barrier = asyncio.Barrier(5)
    tasks = send(barrier, "abcd")
    await turns(1)
    resetting = asyncio.create_task(barrier.reset())
    await asyncio.gather(*tasks)
    log(state(resetting), stand(barrier))


@scenario("barriers.reset_when_half_are_through")
async def _():
    """reset() breaks the wait of those who have not left yet."""
    barrier = asyncio.Barrier(5)
    through = []

    async def work(name):
        try:
            log(name, "is through as", await barrier.wait())
        except asyncio.BrokenBarrierError:
            log(name, "broken")
        else:
            through.append(name)
            if len(through) == 3:
                await barrier.reset()
                log(name, "reset it", stand(barrier))

    await asyncio.gather(*(work(name) for name in "abcde"))
    log(stand(barrier))


@scenario("barriers.reset_when_half_are_through_and_wait_again")
async def _():
    """They may wait again, and meet those who left."""
    barrier = asyncio.Barrier(5)
    through = []

    async def work(name):
        try:
            log(name, "is through as", await barrier.wait())
        except asyncio.BrokenBarrierError:
            log(name, "broken")
            await pass_through(barrier, name + " again")
            return
        through.append(name)
        if len(through) > 2:
            await barrier.reset()
            log(name, "reset it")
        await pass_through(barrier, name + " again")

    await asyncio.gather(*(work(name) for name in "abcde"))
    log(stand(barrier))


@scenario("barriers.reset_while_waiting_and_wait_again")
async def _():
    """After reset() the same tasks may wait again."""
    barrier = asyncio.Barrier(4)

    async def work(name):
        await pass_through(barrier, name)
        await pass_through(barrier, name + " again")

    tasks = [asyncio.create_task(work(name)) for name in "abc"]
    resetting = asyncio.create_task(barrier.reset())
    await turns(1)
    log(state(resetting), stand(barrier))
    tasks += send(barrier, "d")
    await asyncio.gather(*tasks)
    log(stand(barrier))


@scenario("barriers.reset_by_the_last_one_through")
async def _():
    """reset() by the last one who left breaks nobody's wait."""
    barrier = asyncio.Barrier(4)
    through = []

    async def work(name):
        log(name, "is through as", await barrier.wait())
        through.append(name)
        if len(through) == 4:
            await barrier.reset()
            log(name, "reset it", stand(barrier))
        await pass_through(barrier, name + " a second time")
        await pass_through(barrier, name + " a third time")

    await asyncio.gather(*(work(name) for name in "abcd"))
    log(stand(barrier))


@scenario("barriers.abort_empty")
async def _():
    """A broken barrier stays broken until reset()."""
    barrier = asyncio.Barrier(1)
    await barrier.abort()
    log(stand(barrier))
    log(await ended(barrier.wait()))
    await barrier.reset()
    log(stand(barrier), await barrier.wait())


@scenario("barriers.abort_while_waiting")
async def _():
    """abort() breaks the wait of all who are there, and of those who come."""
    barrier = asyncio.Barrier(3)
    tasks = send(barrier, "ab")
    await turns(1)
    await barrier.abort()
    log(stand(barrier))
    await asyncio.gather(*tasks)
    await pass_through(barrier, "late")
    log(stand(barrier))


@scenario("barriers.abort_when_half_are_through")
async def _():
    """abort() breaks those who have not left and those who come again."""
    barrier = asyncio.Barrier(5)
    through = []

    async def work(name):
        try:
            log(name, "is through as", await barrier.wait())
        except asyncio.BrokenBarrierError:
            log(name, "broken")
            return
        through.append(name)
        if len(through) > 2:
            await barrier.abort()
            log(name, "aborted it", stand(barrier))
        else:
            await pass_through(barrier, name + " again")

    await asyncio.gather(*(work(name) for name in "abcde"))
    log(stand(barrier))


@scenario("barriers.abort_by_one_that_failed")
async def _():
    """One who fails may break the barrier for the others."""
    barrier = asyncio.Barrier(5)

    async def work(name):
        try:
            index = await barrier.wait()
            if index == 2:
                raise ValueError(name)
            await barrier.wait()
            log(name, "not reached")
        except asyncio.BrokenBarrierError as exception:
            log(name, kind(exception))
        except ValueError:
            log(name, "failed")
            await barrier.abort()

    await asyncio.gather(*(work(name) for name in "abcde"))
    log(stand(barrier))


@scenario("barriers.abort_then_reset")
async def _():
    """After abort() and reset() the barrier is used again."""
    first, second = asyncio.Barrier(4), asyncio.Barrier(4)

    async def work(name):
        index = await first.wait()
        if index == 2:
            log(name, "aborts")
            await first.abort()
        else:
            await pass_through(first, name)
        index = await second.wait()
        if index == 2:
            log(name, "resets")
            await first.reset()
        await second.wait()
        await pass_through(first, name + " again")

    await asyncio.gather(*(work(name) for name in "abcd"))
    log(stand(first), stand(second))


@scenario("barriers.cancelled_last_one_that_has_not_come")
async def _():
    """One who is cancelled before his first step never counts."""
    barrier = asyncio.Barrier(2)
    task = send(barrier, "a")[0]
    task.cancel()
    log(await ended(task))
    log(stand(barrier))
    await asyncio.gather(*send(barrier, "bc"))
    log(stand(barrier))


if __name__ == "__main__":
    run_scenarios()
