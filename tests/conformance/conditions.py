"""Condition: waiting, without the lock, for a change of what the lock guards."""

import asyncio

from scenario import call, ended, log, now, run_scenarios, scenario, turns
from telling import clock, shown, state, states


async def wait_and_keep(condition, name):
    """Acquires, waits, and keeps the lock."""
    await condition.acquire()
    log(name, "woken", await condition.wait())


async def wait_in_block(condition, name):
    async with condition:
        try:
            log(name, "woken", await condition.wait())
        except asyncio.CancelledError:
            log(name, "cancelled, locked", condition.locked())
            raise


async def notify(condition, count=1):
    async with condition:
        condition.notify(count)


@scenario("conditions.wait")
async def _():
    """Those who are notified go on one by one, as the lock becomes free."""
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(wait_and_keep(condition, name)) for name in "abc"]
    await turns(1)
    log(shown(condition), await condition.acquire())
    condition.notify()
    await turns(1)
    log("notified", shown(condition))
    condition.release()
    await turns(1)
    log("released", shown(condition))
    condition.notify(2)
    await turns(1)
    log("notified two", shown(condition))
    condition.release()
    await turns(1)
    log("released", shown(condition))
    condition.release()
    await turns(1)
    log("released", shown(condition), states(*tasks))


@scenario("conditions.wait_cancelled")
async def _():
    """A cancelled wait has the lock again."""
    condition = asyncio.Condition()
    await condition.acquire()
    waiting = asyncio.create_task(condition.wait())
    asyncio.get_running_loop().call_soon(waiting.cancel)
    log(await ended(waiting))
    log(shown(condition))


@scenario("conditions.wait_cancelled_takes_the_lock_back")
async def _():
    """A cancelled wait ends only when it has got the lock again."""
    condition = asyncio.Condition()
    waiting = asyncio.create_task(wait_in_block(condition, "a"))
    await turns(1)
    await condition.acquire()
    waiting.cancel()
    await turns(3)
    log(state(waiting), shown(condition))
    condition.release()
    log(await ended(waiting))
    log(shown(condition))


@scenario("conditions.wait_cancelled_again_and_again")
async def _():
    """However often it is cancelled."""
    condition = asyncio.Condition()
    waiting = asyncio.create_task(wait_in_block(condition, "a"))
    await turns(1)
    await condition.acquire()
    for _ in range(3):
        waiting.cancel()
        await turns(2)
        log(state(waiting))
    condition.release()
    log(await ended(waiting), waiting.cancelling())
    log(shown(condition))


@scenario("conditions.wait_cancel_contested", since=(3, 13))
async def _():
    """Cancelled while it waits for a contested lock."""
    condition = asyncio.Condition()
    await condition.acquire()
    waiting = asyncio.create_task(condition.wait())
    await turns(1)
    log(shown(condition))
    await condition.acquire()
    condition.notify()
    loop = asyncio.get_running_loop()
    loop.call_soon(waiting.cancel)
    loop.call_soon(condition.release)
    log(await ended(waiting))
    log(shown(condition))


@scenario("conditions.wait_cancel_after_notify", since=(3, 13))
async def _():
    """Cancelled between the notification and the lock."""
    condition = asyncio.Condition()
    waiting = asyncio.create_task(wait_in_block(condition, "a"))
    await turns(1)
    await condition.acquire()
    condition.notify()
    await turns(1)
    waiting.cancel()
    await turns(1)
    condition.release()
    await turns(1)
    log(state(waiting), shown(condition))
    await turns(1)
    log(state(waiting), shown(condition))


@scenario("conditions.wait_unacquired")
async def _():
    """Without the lock there is no waiting."""
    log(await ended(asyncio.Condition().wait()))


@scenario("conditions.wait_for")
async def _():
    """wait_for() goes on when its predicate is true."""
    condition = asyncio.Condition()
    ready = False

    async def wait_until_ready():
        async with condition:
            log("ready", await condition.wait_for(lambda: ready))

    task = asyncio.create_task(wait_until_ready())
    await turns(1)
    await notify(condition)
    await turns(2)
    log(state(task), shown(condition))
    ready = True
    await notify(condition)
    await turns(1)
    log(state(task), shown(condition))


@scenario("conditions.wait_for_counts_its_checks")
async def _():
    """The predicate is asked at first and after each notification; its value is given."""
    condition = asyncio.Condition()
    checks = []

    def third():
        checks.append("checked")
        log("check", len(checks))
        return len(checks) if len(checks) == 3 else 0

    async def wait_for_third():
        async with condition:
            return await condition.wait_for(third)

    task = asyncio.create_task(wait_for_third())
    for _ in range(3):
        await turns(3)
        log(state(task))
        await notify(condition)
    log(state(task))


@scenario("conditions.wait_for_that_is_true_at_once")
async def _():
    """A predicate that is true at once needs no lock."""
    condition = asyncio.Condition()
    log(await condition.wait_for(lambda: 3))
    log(await ended(condition.wait_for(lambda: 0)))


@scenario("conditions.wait_for_predicate_raises")
async def _():
    """An error of the predicate passes."""
    condition = asyncio.Condition()

    def broken():
        raise ValueError("predicate")

    async def wait_in_vain():
        async with condition:
            await condition.wait_for(broken)

    log(await ended(wait_in_vain()))
    log(condition.locked())


@scenario("conditions.notify")
async def _():
    """notify() wakes so many, in the order in which they came."""
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(wait_in_block(condition, name)) for name in "abc"]
    await turns(1)
    await notify(condition, 1)
    await turns(1)
    log(states(*tasks))
    async with condition:
        condition.notify(1)
        condition.notify(2048)
    await turns(1)
    log(states(*tasks), shown(condition))


@scenario("conditions.notify_nobody")
async def _():
    """A notification that nobody waits for is lost."""
    condition = asyncio.Condition()
    async with condition:
        condition.notify()
        condition.notify_all()
    late = asyncio.create_task(wait_in_block(condition, "late"))
    await turns(2)
    log(state(late))
    await notify(condition, 0)
    await turns(2)
    log(state(late))
    await notify(condition)
    await late


@scenario("conditions.notify_all")
async def _():
    """notify_all() wakes all who wait."""
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(wait_in_block(condition, name)) for name in "abc"]
    await turns(1)
    async with condition:
        condition.notify_all()
        log(shown(condition))
    ticking = asyncio.create_task(clock(2))
    await asyncio.gather(*tasks)
    log(shown(condition))
    await ticking


@scenario("conditions.notify_unacquired")
async def _():
    """Without the lock there is no notifying."""
    condition = asyncio.Condition()
    log(call(condition.notify))
    log(call(condition.notify_all))


@scenario("conditions.release_unacquired")
async def _():
    """Releasing without the lock is an error of the lock."""
    log(call(asyncio.Condition().release))


@scenario("conditions.repr")
async def _():
    """The repr counts those who wait."""
    condition = asyncio.Condition()
    log(shown(condition))
    tasks = []
    for name in "ab":
        tasks.append(asyncio.create_task(wait_in_block(condition, name)))
        await turns(1)
        log(shown(condition))
    async with condition:
        log(shown(condition))
        condition.notify_all()
    await asyncio.gather(*tasks)


@scenario("conditions.block")
async def _():
    """The block holds the lock."""
    condition = asyncio.Condition()
    log(condition.locked())
    async with condition:
        log(condition.locked())
    log(condition.locked())


@scenario("conditions.explicit_lock")
async def _():
    """A condition may use a lock that there is already."""
    lock = asyncio.Lock()
    condition = asyncio.Condition(lock)
    log(lock.locked(), condition.locked())
    async with condition:
        log(lock.locked(), condition.locked())
    async with lock:
        log(lock.locked(), condition.locked())
        log(call(condition.notify))
    log(lock.locked(), condition.locked())


@scenario("conditions.two_share_a_lock")
async def _():
    """Two conditions with one lock are notified apart."""
    lock = asyncio.Lock()
    full, empty = asyncio.Condition(lock), asyncio.Condition(lock)
    tasks = [
        asyncio.create_task(wait_in_block(full, "for full")),
        asyncio.create_task(wait_in_block(empty, "for empty")),
    ]
    await turns(1)
    async with lock:
        empty.notify_all()
    await turns(2)
    log(states(*tasks))
    async with lock:
        full.notify_all()
    await asyncio.gather(*tasks)


@scenario("conditions.timeout_in_block")
async def _():
    """A wait that times out has the lock again."""
    condition = asyncio.Condition()
    async with condition:
        log(await ended(asyncio.wait_for(condition.wait(), 0.5)))
        log(condition.locked(), now())
    log(condition.locked())


@scenario("conditions.cancelled_while_waiting_keeps_the_message")
async def _():
    """The message of a cancellation is kept."""
    condition = asyncio.Condition()

    async def wait_in_vain():
        async with condition:
            await condition.wait_for(lambda: False)

    task = asyncio.create_task(wait_in_vain())
    await turns(1)
    task.cancel(msg="foo")
    log(await ended(task))
    log(condition.locked())


@scenario("conditions.cancelled_while_reacquiring_keeps_the_message", since=(3, 13))
async def _():
    """The same while it takes the lock back."""
    condition = asyncio.Condition()
    wake = False

    async def wait_until_woken():
        async with condition:
            await condition.wait_for(lambda: wake)

    task = asyncio.create_task(wait_until_woken())
    await turns(1)
    await condition.acquire()
    wake = True
    condition.notify()
    await turns(1)
    task.cancel(msg="foo")
    condition.release()
    log(await ended(task))
    log(condition.locked())


class Stock:
    """So many items, and consumers that wait for them."""

    def __init__(self):
        self.condition = asyncio.Condition()
        self.items = 0

    async def consume(self, name):
        async with self.condition:
            while True:
                await self.condition.wait_for(lambda: self.items != 0)
                if self.items < 0:
                    log(name, "stops")
                    return
                self.items -= 1
                log(name, "takes one")
                self.condition.notify_all()


@scenario("conditions.cancelled_wakeup_is_handed_on", since=(3, 13))
async def _():
    """One who is notified and cancelled at once hands the notification on."""
    stock = Stock()
    consumers = [asyncio.create_task(stock.consume(name)) for name in "ab"]
    await turns(1)
    async with stock.condition:
        stock.items += 1
        stock.condition.notify(1)
        consumers[0].cancel()
        log(await ended(asyncio.wait_for(stock.condition.wait_for(lambda: stock.items == 0), 0.5)))
        log("items", stock.items, now())
        stock.items = -1
        stock.condition.notify_all()
    await consumers[1]
    log(states(*consumers))


@scenario("conditions.cancelled_relock_is_handed_on", since=(3, 13))
async def _():
    """The same while it takes the lock back."""
    stock = Stock()
    consumers = [asyncio.create_task(stock.consume(name)) for name in "ab"]
    await turns(1)
    async with stock.condition:
        stock.items += 1
        stock.condition.notify(1)
        await turns(1)
        consumers[0].cancel()
        log(await ended(asyncio.wait_for(stock.condition.wait_for(lambda: stock.items == 0), 0.5)))
        log("items", stock.items, now())
        stock.items = -1
        stock.condition.notify_all()
    await consumers[1]
    log(states(*consumers))


@scenario("conditions.notify_then_cancel_wakes_the_next", since=(3, 13))
async def _():
    """The next one is woken, and only that one."""
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(wait_in_block(condition, name)) for name in "abc"]
    await turns(1)
    async with condition:
        condition.notify(1)
        tasks[0].cancel()
    ticking = asyncio.create_task(clock(4))
    await ticking
    log(states(*tasks), shown(condition))
    await notify(condition, 1)
    await turns(3)
    log(states(*tasks), shown(condition))


@scenario("conditions.another_loop")
def _():
    """A condition that was waited for in one loop is refused by another."""
    condition = asyncio.Condition()

    async def waits():
        async with condition:
            return await ended(asyncio.wait_for(condition.wait(), 0.001))

    async def waits_too():
        async with condition:
            try:
                await condition.wait()
            except RuntimeError:
                return "RuntimeError"

    for coroutine in (waits, waits_too):
        loop = asyncio.new_event_loop()
        log(loop.run_until_complete(coroutine()))
        loop.close()


if __name__ == "__main__":
    run_scenarios()
