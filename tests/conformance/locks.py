"""Lock and Event."""

import asyncio

from scenario import call, ended, log, now, run_scenarios, scenario, turns
from telling import clock, shown, state, states



async def acquire(lock, name):
    log(f"{name} asks")
    try:
        log(f"{name} has it: {await lock.acquire()}")
    except asyncio.CancelledError:
        log(f"{name} cancelled")
        raise


async def hold(lock, name, blocker=None):
    async with lock:
        log(f"{name} has it")
        if blocker is not None:
            await blocker
    log(f"{name} let it go")


async def wait_for_event(event, name):
    try:
        log(f"{name} woken: {await event.wait()}, set {event.is_set()}")
    except asyncio.CancelledError:
        log(f"{name} cancelled")
        raise


@scenario("locks.repr")
async def _():
    """The repr counts those who wait, also one that was woken and has not run."""
    lock = asyncio.Lock()
    log(shown(lock))
    await lock.acquire()
    log(shown(lock))
    waiting = [asyncio.create_task(lock.acquire()) for _ in range(2)]
    await turns(1)
    log(shown(lock))
    lock.release()
    log(shown(lock))
    await turns(1)
    log(shown(lock))
    waiting[1].cancel()
    await turns(1)
    log(shown(lock))


@scenario("locks.acquire_in_order")
async def _():
    """The lock goes to those who wait in the order in which they came."""
    lock = asyncio.Lock()
    log(await lock.acquire())
    tasks = [asyncio.create_task(acquire(lock, name)) for name in "ab"]
    await turns(1)
    log("release")
    lock.release()
    await turns(2)
    tasks.append(asyncio.create_task(acquire(lock, "c")))
    log("release")
    lock.release()
    await turns(1)
    log("release")
    lock.release()
    await turns(1)
    log(states(*tasks))


@scenario("locks.free_lock_does_not_yield")
async def _():
    """A free lock is taken without a turn of the loop."""
    lock = asyncio.Lock()
    ticking = asyncio.create_task(clock(2))
    await lock.acquire()
    lock.release()
    async with lock:
        log(f"in the block, {lock.locked()}")
    log(f"after the block, {lock.locked()}")
    await ticking


@scenario("locks.nobody_overtakes")
async def _():
    """Nobody overtakes one who was woken for the lock."""
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(hold(lock, name)) for name in "abc"]
    await turns(1)
    lock.release()
    log(f"released, locked {lock.locked()}")
    await lock.acquire()
    log("main has it again")
    lock.release()
    await asyncio.gather(*tasks)


@scenario("locks.turns_of_a_handover")
async def _():
    """Each hand-over takes one turn."""
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(hold(lock, name)) for name in "abc"]
    await turns(1)
    ticking = asyncio.create_task(clock(4))
    lock.release()
    await asyncio.gather(*tasks)
    await ticking


@scenario("locks.acquire_cancelled")
async def _():
    """A cancelled wait leaves nothing behind."""
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(acquire(lock, "a"))
    asyncio.get_running_loop().call_soon(task.cancel)
    log(await ended(task))
    log(shown(lock))


@scenario("locks.cancel_race")
async def _():
    """One who is cancelled in the turn of the release is passed over."""
    lock = asyncio.Lock()
    blocker = asyncio.get_running_loop().create_future()
    a = asyncio.create_task(hold(lock, "a", blocker))
    await turns(1)
    b = asyncio.create_task(hold(lock, "b"))
    await turns(1)
    c = asyncio.create_task(hold(lock, "c"))
    await turns(1)
    log(shown(lock))
    blocker.set_result(None)
    b.cancel()
    log(shown(lock))
    await turns(1)
    log(f"{shown(lock)} {states(a, b, c)}")
    await c
    log(shown(lock))


@scenario("locks.cancel_release_race")
async def _():
    """A cancellation and a release in one callback give the lock to one task only."""
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(acquire(lock, name)) for name in "abc"]
    await turns(1)

    def trigger():
        tasks[0].cancel()
        lock.release()

    asyncio.get_running_loop().call_soon(trigger)
    log(await ended(tasks[0]))
    log(f"{states(*tasks)} {shown(lock)}")
    tasks[2].cancel()
    await turns(1)
    log(f"{states(*tasks)} {shown(lock)}")


@scenario("locks.release_then_cancel")
async def _():
    """One who was woken and then cancelled wakes the next."""
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(acquire(lock, name)) for name in "abc"]
    await turns(1)
    lock.release()
    tasks[0].cancel()
    ticking = asyncio.create_task(clock(3))
    await turns(3)
    log(f"{states(*tasks)} {shown(lock)}")
    tasks[2].cancel()
    await ticking


@scenario("locks.woken_and_cancelled_with_nobody_behind")
async def _():
    """One who was woken and then cancelled leaves the lock free."""
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(acquire(lock, "a"))
    await turns(1)
    lock.release()
    task.cancel()
    log(await ended(task))
    log(shown(lock))
    await lock.acquire()
    log(shown(lock))


@scenario("locks.finished_waiter_cancelled")
async def _():
    """A cancelled wait does not hold up one who comes after it."""
    lock = asyncio.Lock()
    await lock.acquire()
    b = asyncio.create_task(acquire(lock, "b"))
    await turns(1)
    c = asyncio.create_task(acquire(lock, "c"))
    b.cancel()
    lock.release()
    await turns(1)
    log(f"{shown(lock)} {states(b, c)}")
    await c
    log(shown(lock))


@scenario("locks.release_not_acquired")
async def _():
    """A free lock cannot be released."""
    log(call(asyncio.Lock().release))


@scenario("locks.release_twice")
async def _():
    """A lock on its way to the next cannot be released again."""
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(acquire(lock, "a"))
    await turns(1)
    lock.release()
    log(call(lock.release))
    await task
    log(shown(lock))


@scenario("locks.release_no_waiters")
async def _():
    """A lock for which nobody waits is free after its release."""
    lock = asyncio.Lock()
    await lock.acquire()
    log(lock.locked())
    lock.release()
    log(lock.locked())


@scenario("locks.any_task_may_release")
async def _():
    """The lock belongs to no task."""
    lock = asyncio.Lock()
    await lock.acquire()

    async def stranger():
        lock.release()

    await asyncio.create_task(stranger())
    log(lock.locked())


@scenario("locks.not_reentrant")
async def _():
    """The lock cannot be taken twice by one task."""
    lock = asyncio.Lock()
    await lock.acquire()
    log(await ended(asyncio.wait_for(lock.acquire(), 1)))
    log(f"{now()} {shown(lock)}")


@scenario("locks.block_releases_on_error")
async def _():
    """The block releases after an error and after a cancellation."""
    lock = asyncio.Lock()

    async def fails():
        async with lock:
            raise ValueError("in the block")

    log(await ended(fails()))
    log(lock.locked())
    held = asyncio.create_task(hold(lock, "a", asyncio.sleep(10)))
    await turns(1)
    held.cancel()
    log(await ended(held))
    log(lock.locked())


@scenario("locks.another_loop")
def _():
    """A lock that was waited for in one loop is refused by another."""
    lock = asyncio.Lock()

    async def blocks():
        await lock.acquire()
        return await ended(asyncio.wait_for(lock.acquire(), 0.001))

    async def blocks_too():
        try:
            await lock.acquire()
        except RuntimeError:
            return "RuntimeError"

    for coroutine in (blocks, blocks_too):
        loop = asyncio.new_event_loop()
        log(loop.run_until_complete(coroutine()))
        loop.close()


@scenario("locks.event_repr")
async def _():
    """The repr of an event."""
    event = asyncio.Event()
    log(shown(event))
    task = asyncio.create_task(event.wait())
    await turns(1)
    log(shown(event))
    event.set()
    log(shown(event))
    await task
    log(shown(event))


@scenario("locks.event_wakes_all")
async def _():
    """An event wakes all who wait; who comes then does not wait."""
    event = asyncio.Event()
    tasks = [asyncio.create_task(wait_for_event(event, name)) for name in "ab"]
    await turns(1)
    tasks.append(asyncio.create_task(wait_for_event(event, "c")))
    event.set()
    await turns(1)
    log(states(*tasks))


@scenario("locks.event_that_is_set_does_not_yield")
async def _():
    """An event that is set is not waited for."""
    event = asyncio.Event()
    event.set()
    ticking = asyncio.create_task(clock(1))
    log(await event.wait())
    await ticking


@scenario("locks.event_wait_cancelled")
async def _():
    """A cancelled wait leaves nothing behind."""
    event = asyncio.Event()
    task = asyncio.create_task(wait_for_event(event, "a"))
    asyncio.get_running_loop().call_soon(task.cancel)
    log(await ended(task))
    log(shown(event))


@scenario("locks.event_set_then_cancel")
async def _():
    """One who was woken and then cancelled is cancelled; the others go on."""
    event = asyncio.Event()
    tasks = [asyncio.create_task(wait_for_event(event, name)) for name in "ab"]
    await turns(1)
    event.set()
    tasks[0].cancel()
    log(await ended(tasks[0]))
    log(states(*tasks))


@scenario("locks.event_clear")
async def _():
    """set() and clear() twice are the same as once."""
    event = asyncio.Event()
    for change in (event.set, event.set, event.clear, event.clear):
        change()
        log(event.is_set())
    log(await ended(asyncio.wait_for(event.wait(), 0.5)))


@scenario("locks.event_clear_with_waiters")
async def _():
    """Those who wait go on even if the event is cleared before they run."""
    event = asyncio.Event()
    task = asyncio.create_task(wait_for_event(event, "a"))
    await turns(1)
    event.set()
    event.clear()
    log(f"{shown(event)} {state(task)}")
    event.set()
    event.set()
    log(shown(event))
    event.clear()
    late = asyncio.create_task(wait_for_event(event, "late"))
    await turns(2)
    log(f"{shown(event)} {states(task, late)}")
    event.set()
    await late


@scenario("locks.event_another_loop")
def _():
    """An event that was waited for in one loop is refused by another."""
    event = asyncio.Event()

    async def waits():
        return await ended(asyncio.wait_for(event.wait(), 0.001))

    async def waits_too():
        try:
            await event.wait()
        except RuntimeError:
            return "RuntimeError"

    for coroutine in (waits, waits_too):
        loop = asyncio.new_event_loop()
        log(loop.run_until_complete(coroutine()))
        loop.close()


if __name__ == "__main__":
    run_scenarios()
