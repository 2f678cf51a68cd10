"""Queue, PriorityQueue and LifoQueue."""

import asyncio

from scenario import call, ended, log, now, run_scenarios, scenario, turns
from telling import clock, state, states

KINDS = (asyncio.Queue, asyncio.PriorityQueue, asyncio.LifoQueue)


def stand(queue):
    """The part of a repr after the address."""
    whole = str(queue)
    return whole[whole.index("maxsize") : -1]


async def get(queue, name):
    try:
        item = await queue.get()
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise
    log(name, "got", item)
    return item


async def put(queue, item):
    try:
        await queue.put(item)
    except asyncio.CancelledError:
        log("put of", item, "cancelled")
        raise
    log("put", item)


def getters(queue, names):
    return [asyncio.create_task(get(queue, name)) for name in names]


def putters(queue, *items):
    return [asyncio.create_task(put(queue, item)) for item in items]


async def kind_of_end(awaitable):
    """As ended(), without the text: CPython's is empty for a queue's exceptions."""
    return (await ended(awaitable)).partition(":")[0]


def kind_of_call(function, *args):
    return call(function, *args).partition(":")[0]


async def log_refusals(queue):
    log("put", await kind_of_end(queue.put("x")), kind_of_call(queue.put_nowait, "x"))
    log("get", await kind_of_end(queue.get()), kind_of_call(queue.get_nowait))


@scenario("queues.repr")
async def _():
    """The repr tells the items, and counts those who wait to be woken."""
    queue = asyncio.Queue()
    log(stand(queue))
    getting = getters(queue, "ab")
    await turns(1)
    log(stand(queue))
    queue.put_nowait(0)
    queue.put_nowait(1)
    log(stand(queue))
    await asyncio.gather(*getting)
    log(stand(queue))
    queue = asyncio.Queue(maxsize=1)
    queue.put_nowait(7)
    putting = putters(queue, 8)
    await turns(1)
    log(stand(queue))
    queue.get_nowait()
    await asyncio.gather(*putting)
    log(stand(queue))
    queue.task_done()
    log(stand(queue))


@scenario("queues.repr_of_shut_down", since=(3, 13))
async def _():
    """The repr of a queue that was shut down."""
    for queue in (kind() for kind in KINDS):
        queue.put_nowait(1)
        queue.shutdown()
        log(stand(queue))
        queue.get_nowait()
        queue.task_done()
        log(stand(queue))


@scenario("queues.empty")
async def _():
    """empty() and qsize()."""
    queue = asyncio.Queue()
    log(queue.empty(), queue.qsize())
    await queue.put(1)
    log(queue.empty(), queue.qsize())
    log(await queue.get(), queue.empty(), queue.qsize())


@scenario("queues.full")
async def _():
    """A queue without a positive maxsize is never full."""
    for maxsize in (0, -2, 1, 2):
        queue = asyncio.Queue(maxsize)
        log(queue.maxsize, queue.full())
        await queue.put(1)
        log(queue.full())


@scenario("queues.order")
async def _():
    """The order of the three kinds."""
    for queue in (kind() for kind in KINDS):
        for item in (1, 3, 2, 5, 4):
            await queue.put(item)
        log([queue.get_nowait() for _ in range(5)])


@scenario("queues.priority_put_between")
async def _():
    """A priority queue gives the smallest item, also between puts."""
    queue = asyncio.PriorityQueue()
    for item in (3, 1, 2, 1, 3, 2):
        queue.put_nowait(item)
    log([queue.get_nowait() for _ in range(3)])
    queue.put_nowait(0)
    queue.put_nowait(9)
    log([queue.get_nowait() for _ in range(5)])


@scenario("queues.lifo_put_between")
async def _():
    """A last-in-first-out queue, with a put between."""
    queue = asyncio.LifoQueue()
    queue.put_nowait(1)
    queue.put_nowait(2)
    log(queue.get_nowait())
    queue.put_nowait(3)
    log(queue.get_nowait(), queue.get_nowait())


@scenario("queues.maxsize_blocks_the_putter")
async def _():
    """Who puts to a full queue waits."""
    queue = asyncio.Queue(maxsize=2)

    async def putter():
        for item in range(3):
            await put(queue, item)
        return "all put"

    task = asyncio.create_task(putter())
    await turns(2)
    log(stand(queue), await queue.get())
    await turns(1)
    log(await queue.get(), await queue.get(), state(task))


@scenario("queues.no_room_does_not_yield")
async def _():
    """put() and get() that need not wait take no turn."""
    queue = asyncio.Queue(1)
    ticking = asyncio.create_task(clock(1))
    await queue.put(1)
    log(await queue.get())
    await ticking


@scenario("queues.get_wakes_a_putter")
async def _():
    """Taking an item wakes one who waits to put."""
    queue = asyncio.Queue(1)
    putting = putters(queue, 1, 2, 3)
    await turns(1)
    log(stand(queue))
    log(await queue.get(), stand(queue), states(*putting))
    await turns(1)
    log(stand(queue), states(*putting))
    log(await queue.get())
    await turns(1)
    log(await queue.get(), states(*putting))


@scenario("queues.get_waits")
async def _():
    """get() waits for an item."""
    queue = asyncio.Queue()
    task = getters(queue, "a")[0]
    await turns(1)
    asyncio.get_running_loop().call_later(0.5, queue.put_nowait, 1)
    log(await task, now())


@scenario("queues.put_waits")
async def _():
    """put() waits for room."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    task = putters(queue, 2)[0]
    await turns(1)
    asyncio.get_running_loop().call_later(0.5, queue.get_nowait)
    await task
    log(now(), stand(queue))


@scenario("queues.nowait")
async def _():
    """put_nowait() and get_nowait() refuse instead of waiting."""
    queue = asyncio.Queue(1)
    log(kind_of_call(queue.get_nowait))
    queue.put_nowait(1)
    log(kind_of_call(queue.put_nowait, 2))
    log(queue.get_nowait(), kind_of_call(queue.get_nowait))


@scenario("queues.getters_in_order")
async def _():
    """Those who wait are woken in the order in which they came."""
    queue = asyncio.Queue()
    getting = getters(queue, "abc")
    await turns(1)
    ticking = asyncio.create_task(clock(2))
    for item in (1, 2, 3):
        queue.put_nowait(item)
    await asyncio.gather(*getting)
    await ticking


@scenario("queues.newcomer_takes_the_item")
async def _():
    """A newcomer may take the item of one that was woken, which then waits again, at the end."""
    queue = asyncio.Queue()
    getting = getters(queue, "ab")
    await turns(1)
    queue.put_nowait(1)
    log("main got", await queue.get())
    await turns(1)
    log(states(*getting), stand(queue))
    queue.put_nowait(2)
    queue.put_nowait(3)
    await asyncio.gather(*getting)


@scenario("queues.get_cancelled_race")
async def _():
    """A cancelled getter is passed over."""
    queue = asyncio.Queue()
    getting = getters(queue, "ab")
    await turns(1)
    getting[0].cancel()
    await turns(1)
    log(states(*getting), stand(queue))
    await queue.put("item")
    await turns(1)
    log(states(*getting), stand(queue))


@scenario("queues.get_with_waiting_putters")
async def _():
    """Two putters and a getter, one item at a time."""
    queue = asyncio.Queue(1)
    putters(queue, "a", "b")
    log(await queue.get())
    log(await queue.get())
    await turns(1)


@scenario("queues.ping_pong")
async def _():
    """A producer and a consumer take turns as the queue allows."""
    for maxsize in (1, 2, 0):
        queue = asyncio.Queue(maxsize)

        async def producer():
            for item in range(5):
                await put(queue, item)

        async def consumer():
            for _ in range(5):
                await get(queue, "consumer")

        await asyncio.gather(producer(), consumer())


@scenario("queues.cancelled_getters_are_forgotten")
async def _():
    """A getter that timed out is forgotten."""
    queue = asyncio.Queue(5)
    log(await ended(asyncio.wait_for(queue.get(), 0.5)))
    log(stand(queue))


@scenario("queues.get_cancel_drops_no_item_with_one_reader")
async def _():
    """A getter that was woken and cancelled leaves the item."""
    queue = asyncio.Queue()
    reader = getters(queue, "a")[0]
    await turns(1)
    queue.put_nowait(1)
    queue.put_nowait(2)
    reader.cancel()
    log(await ended(reader))
    log(await queue.get(), stand(queue))


@scenario("queues.get_cancel_drops_no_item_with_many_readers", since=(3, 12))
async def _():
    """The next getter takes it."""
    queue = asyncio.Queue()
    getting = getters(queue, "abc")
    await turns(1)
    queue.put_nowait(1)
    queue.put_nowait(2)
    getting[0].cancel()
    ticking = asyncio.create_task(clock(3))
    log(await ended(getting[0]))
    await asyncio.gather(*getting[1:])
    log(states(*getting), stand(queue))
    await ticking


@scenario("queues.woken_getter_cancelled_after_the_item_was_taken")
async def _():
    """When somebody took the item first, nobody is woken for nothing."""
    queue = asyncio.Queue()
    getting = getters(queue, "ab")
    await turns(1)
    queue.put_nowait(1)
    getting[0].cancel()
    log(queue.get_nowait())
    await turns(3)
    log(states(*getting), stand(queue))
    queue.put_nowait(2)
    await turns(2)
    log(states(*getting), stand(queue))


@scenario("queues.put_cancel_drops_no_room")
async def _():
    """A putter that was woken and cancelled leaves the room."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    writer = putters(queue, 2)[0]
    await turns(1)
    log(queue.get_nowait())
    writer.cancel()
    log(await ended(writer))
    log(stand(queue))
    await queue.put(2)
    log(queue.get_nowait(), queue.qsize())


@scenario("queues.put_cancelled_then_the_next_is_woken")
async def _():
    """The next putter takes it."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    putting = putters(queue, 2, 3)
    await turns(1)
    queue.get_nowait()
    putting[0].cancel()
    ticking = asyncio.create_task(clock(3))
    await ticking
    log(states(*putting), stand(queue))


@scenario("queues.put_without_waiting")
async def _():
    """A put in a task."""
    queue = asyncio.Queue()
    task = putters(queue, 1)[0]
    log(await queue.get(), state(task))


@scenario("queues.put_cancelled_race")
async def _():
    """A cancelled putter is passed over."""
    queue = asyncio.Queue(1)
    putting = putters(queue, "a", "b", "c")
    await turns(1)
    log(states(*putting))
    putting[2].cancel()
    await turns(1)
    log(states(*putting), queue.get_nowait())
    await turns(1)
    log(queue.get_nowait(), states(*putting))


@scenario("queues.put_with_waiting_getters")
async def _():
    """A getter that waits gets what is put."""
    queue = asyncio.Queue()
    task = getters(queue, "a")[0]
    await turns(1)
    await queue.put("item")
    log(state(task))
    log(await task)


@scenario("queues.why_are_putters_waiting")
async def _():
    """Several putters are woken by several gets."""
    queue = asyncio.Queue(2)

    async def getter():
        await turns(1)
        for _ in range(queue.qsize()):
            log("got", queue.get_nowait())

    tasks = [asyncio.create_task(getter())] + putters(queue, 0, 1, 2, 3)
    await asyncio.gather(*tasks)
    log(stand(queue))


@scenario("queues.cancelled_putters_are_forgotten")
async def _():
    """A cancelled putter is forgotten."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    task = putters(queue, 2)[0]
    await turns(1)
    log(stand(queue))
    task.cancel()
    log(await ended(task))
    log(stand(queue))


@scenario("queues.cancelled_put_that_was_woken")
async def _():
    """A putter that was woken and cancelled puts nothing."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    task = putters(queue, 2)[0]
    await turns(1)
    queue.get_nowait()
    log(stand(queue))
    task.cancel()
    log(await ended(task))
    log(stand(queue))


@scenario("queues.task_done_underflow")
async def _():
    """task_done() once too often."""
    for kind in KINDS:
        log(call(kind().task_done))


@scenario("queues.task_done_and_join")
async def _():
    """join() waits until every item is done."""
    for queue in (kind() for kind in KINDS):
        total = []

        async def worker():
            while True:
                total.append(await queue.get())
                await turns(1)
                queue.task_done()

        for item in range(20):
            queue.put_nowait(item)
        workers = [asyncio.create_task(worker()) for _ in range(2)]
        await queue.join()
        log(total)
        for task in workers:
            task.cancel()
        await asyncio.wait(workers)
        log(states(*workers), stand(queue))


@scenario("queues.join_of_an_empty_queue")
async def _():
    """join() of an empty queue takes no turn."""
    for queue in (kind() for kind in KINDS):
        ticking = asyncio.create_task(clock(1))
        await queue.join()
        await queue.join()
        log("joined")
        await ticking


@scenario("queues.join_waits_for_the_last_one")
async def _():
    """join() waits for task_done(), not for get()."""
    queue = asyncio.Queue()
    queue.put_nowait(1)
    queue.put_nowait(2)
    joins = [asyncio.create_task(queue.join()) for _ in range(2)]
    await turns(1)
    log(queue.get_nowait(), queue.get_nowait(), states(*joins))
    queue.task_done()
    await turns(2)
    log(states(*joins))
    queue.task_done()
    await turns(1)
    log(states(*joins))
    queue.put_nowait(3)
    joins.append(asyncio.create_task(queue.join()))
    await turns(2)
    log(states(*joins))
    joins[2].cancel()
    log(await ended(joins[2]))


@scenario("queues.join_done_and_put_before_it_wakes")
async def _():
    """join() ends although an item was put before it ran."""
    queue = asyncio.Queue()
    queue.put_nowait(1)
    join = asyncio.create_task(queue.join())
    await turns(1)
    queue.task_done()
    queue.put_nowait(2)
    await turns(2)
    log(state(join), stand(queue))


@scenario("queues.shutdown_empty", since=(3, 13))
async def _():
    """shutdown() of an empty queue."""
    for queue in (kind() for kind in KINDS):
        getting = asyncio.create_task(kind_of_end(queue.get()))
        await turns(1)
        queue.shutdown()
        log(queue.qsize())
        await queue.join()
        await turns(1)
        log(state(getting))
        await log_refusals(queue)


@scenario("queues.shutdown_nonempty", since=(3, 13))
async def _():
    """shutdown() leaves the items that are there."""
    for queue in (kind(maxsize=1) for kind in KINDS):
        queue.put_nowait("data")
        join = asyncio.create_task(queue.join())
        putting = asyncio.create_task(kind_of_end(queue.put("data2")))
        await turns(1)
        log(state(putting))
        queue.shutdown()
        log(queue.qsize())
        await turns(1)
        log(state(putting), await queue.get())
        await turns(1)
        log(state(join))
        await log_refusals(queue)
        queue.task_done()
        await turns(1)
        log(state(join), call(queue.task_done))


@scenario("queues.shutdown_immediate", since=(3, 13))
async def _():
    """An immediate shutdown() drops them and counts them as done."""
    for queue in (kind() for kind in KINDS):
        queue.put_nowait("data")
        join = asyncio.create_task(queue.join())
        await turns(1)
        queue.shutdown(immediate=True)
        log(queue.qsize())
        await turns(1)
        log(state(join))
        await log_refusals(queue)
        log(call(queue.task_done))


@scenario("queues.shutdown_immediate_with_unfinished", since=(3, 13))
async def _():
    """What was got is still to be done."""
    for queue in (kind() for kind in KINDS):
        queue.put_nowait("data")
        queue.put_nowait("data")
        join = asyncio.create_task(queue.join())
        log(await queue.get())
        queue.shutdown(immediate=True)
        log(queue.qsize())
        await turns(1)
        log(state(join))
        await log_refusals(queue)
        log(call(queue.task_done), call(queue.task_done))
        await turns(1)
        log(state(join))


@scenario("queues.shutdown_wakes_everybody", since=(3, 13))
async def _():
    """All who wait are refused in the next turn."""
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    putting = [asyncio.create_task(kind_of_end(queue.put(item))) for item in (2, 3, 4)]
    await turns(1)
    queue.shutdown()
    ticking = asyncio.create_task(clock(2))
    await turns(1)
    log(states(*putting), stand(queue))
    await ticking
    queue = asyncio.Queue()
    getting = [asyncio.create_task(kind_of_end(queue.get())) for _ in range(3)]
    await turns(1)
    queue.shutdown(immediate=True)
    await turns(1)
    log(states(*getting), stand(queue))


@scenario("queues.shutdown_with_a_woken_getter", since=(3, 13))
async def _():
    """A getter that was woken for an item still gets it."""
    queue = asyncio.Queue()
    getting = [asyncio.create_task(kind_of_end(queue.get())) for _ in range(2)]
    await turns(1)
    queue.put_nowait("item")
    queue.shutdown()
    await turns(2)
    log(states(*getting), stand(queue))


@scenario("queues.shutdown_twice", since=(3, 13))
async def _():
    """A second shutdown(), immediate at last."""
    queue = asyncio.Queue()
    queue.put_nowait(1)
    queue.shutdown()
    queue.shutdown()
    log(stand(queue))
    queue.shutdown(immediate=True)
    log(stand(queue))
    log(kind_of_call(queue.get_nowait))


@scenario("queues.another_loop")
def _():
    """A queue that was waited for in one loop is refused by another."""
    queue = asyncio.Queue()

    async def waits():
        return await ended(asyncio.wait_for(queue.get(), 0.001))

    async def waits_too():
        return await kind_of_end(queue.get())

    for coroutine in (waits, waits_too):
        loop = asyncio.new_event_loop()
        log(loop.run_until_complete(coroutine()))
        loop.close()


if __name__ == "__main__":
    run_scenarios()
