#!/usr/bin/env python3
"""The micro tests on asyncio; with --loop uvloop on uvloop's event loop. Each process runs one test
once and prints a line of JSON: the CPU time of the thread, unless it says otherwise."""

import argparse
import asyncio
import json
import statistics
import sys
import threading
import time

cpu_ns = time.thread_time_ns
wall_ns = time.monotonic_ns


def resident_bytes():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:")) * 1024


def scatter(i, within):
    return ((i * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 33) % within


async def ready(value):
    return value


async def await_ready(ops):
    began = cpu_ns()
    for i in range(ops):
        await ready(i)
    return cpu_ns() - began


async def spawn_join(ops):
    began = cpu_ns()
    for i in range(ops):
        await asyncio.create_task(ready(i))
    return cpu_ns() - began


async def spawn_join_all(ops):
    began = cpu_ns()
    tasks = [asyncio.create_task(ready(i)) for i in range(ops)]
    for task in tasks:
        await task
    return cpu_ns() - began


async def yield_once(value):
    await asyncio.sleep(0)
    return value


async def gather(ops):
    began = cpu_ns()
    children = min(ops, 10_000)
    for _ in range(0, ops, children):
        results = await asyncio.gather(*(yield_once(i) for i in range(children)))
        assert results[-1] == children - 1
    return cpu_ns() - began


async def yields(ops):
    began = cpu_ns()
    for _ in range(ops):
        await asyncio.sleep(0)
    return cpu_ns() - began


async def future_player(futures, mine, other, rounds):
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        value = await futures[mine]
        futures[mine] = loop.create_future()
        futures[other].set_result(value + 1)


async def future_ping_pong(ops):
    loop = asyncio.get_running_loop()
    began = cpu_ns()
    futures = [loop.create_future(), loop.create_future()]
    players = [asyncio.create_task(future_player(futures, mine, 1 - mine, ops // 2))
               for mine in (0, 1)]
    futures[0].set_result(0)
    for player in players:
        await player
    return cpu_ns() - began


async def queue_player(mine, other, rounds):
    for i in range(rounds):
        await mine.get()
        await other.put(i)


async def queue_ping_pong(ops):
    began = cpu_ns()
    first, second = asyncio.Queue(1), asyncio.Queue(1)
    players = [asyncio.create_task(queue_player(first, second, ops // 2)),
               asyncio.create_task(queue_player(second, first, ops // 2))]
    await first.put(0)
    for player in players:
        await player
    return cpu_ns() - began


def timer_fire(timers):
    async def body(ops):
        loop = asyncio.get_running_loop()
        began = cpu_ns()
        for done in range(0, ops, timers):
            batch = min(timers, ops - done)
            missing = batch
            all_fired = loop.create_future()

            def fire():
                nonlocal missing
                missing -= 1
                if missing == 0:
                    all_fired.set_result(None)

            for i in range(batch):
                loop.call_later(scatter(i, 10 * batch) * 1e-9, fire)
            await all_fired
        return cpu_ns() - began
    return body


def timer_cancel(timers):
    async def body(ops):
        loop = asyncio.get_running_loop()
        began = cpu_ns()
        for done in range(0, ops, timers):
            armed = [loop.call_later(3600, print) for _ in range(min(timers, ops - done))]
            for handle in armed:
                handle.cancel()
        return cpu_ns() - began
    return body


async def victim():
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        return 1
    return 0


async def cancel_catch(ops):
    began = cpu_ns()
    caught = 0
    for _ in range(ops):
        task = asyncio.create_task(victim())
        await asyncio.sleep(0)
        task.cancel()
        caught += await task
    assert caught == ops
    return cpu_ns() - began


async def post_throughput(ops):
    """Wall time."""
    loop = asyncio.get_running_loop()
    all_run = loop.create_future()
    missing = ops

    def call():
        nonlocal missing
        missing -= 1
        if missing == 0:
            all_run.set_result(None)

    def post():
        for _ in range(ops):
            loop.call_soon_threadsafe(call)

    began = wall_ns()
    poster = threading.Thread(target=post)
    poster.start()
    await all_run
    elapsed = wall_ns() - began
    poster.join()
    return elapsed


async def post_latency(ops):
    """Wall time, the median. The poster sleeps: while it spun, the loop would wait for the GIL."""
    loop = asyncio.get_running_loop()
    all_run = loop.create_future()
    samples = []

    def post():
        ran = threading.Event()

        def call(posted):
            samples.append(wall_ns() - posted)
            ran.set()

        for _ in range(ops):
            time.sleep(30e-6)
            ran.clear()
            loop.call_soon_threadsafe(call, wall_ns())
            ran.wait()
        loop.call_soon_threadsafe(all_run.set_result, None)

    poster = threading.Thread(target=post)
    poster.start()
    await all_run
    poster.join()
    return statistics.median(samples) * ops


async def bytes_per_task(ops):
    before = resident_bytes()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(ops)]
    await asyncio.sleep(0)
    growth = resident_bytes() - before
    for task in tasks:
        task.cancel()
    return growth


TESTS = {
    "await_ready": (await_ready, 5_000_000),
    "spawn_join": (spawn_join, 60_000),
    "spawn_join_all": (spawn_join_all, 60_000),
    "gather": (gather, 40_000),
    "yield": (yields, 150_000),
    "future_ping_pong": (future_ping_pong, 80_000),
    "queue_ping_pong": (queue_ping_pong, 60_000),
    "timer_fire_1k": (timer_fire(1_000), 100_000),
    "timer_fire_10k": (timer_fire(10_000), 100_000),
    "timer_fire_100k": (timer_fire(100_000), 100_000),
    "timer_fire_1m": (timer_fire(1_000_000), 1_000_000),
    "timer_cancel_1k": (timer_cancel(1_000), 150_000),
    "timer_cancel_10k": (timer_cancel(10_000), 150_000),
    "timer_cancel_100k": (timer_cancel(100_000), 100_000),
    "timer_cancel_1m": (timer_cancel(1_000_000), 1_000_000),
    "cancel_catch": (cancel_catch, 40_000),
    "post_throughput": (post_throughput, 60_000),
    "post_latency": (post_latency, 2_000),
    "bytes_per_task": (bytes_per_task, 100_000),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--only", choices=TESTS)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    if options.loop == "uvloop":
        import uvloop
        new_loop = uvloop.new_event_loop
        # Its timers count in milliseconds; what is due at once is no timer but a call_soon().
        for name in [name for name in TESTS if name.startswith("timer_fire")]:
            del TESTS[name]
    else:
        new_loop = asyncio.new_event_loop
    if options.list:
        sys.exit(print("\n".join(TESTS)))
    if options.only and options.only not in TESTS:
        parser.error(f"{options.loop} has no such thing as {options.only}")
    for name in [options.only] if options.only else TESTS:
        body, ops = TESTS[name]
        in_bytes = name == "bytes_per_task"
        ops = ops // 100 if options.quick and not in_bytes else ops
        with asyncio.Runner(loop_factory=new_loop) as runner:
            cost = runner.run(body(ops)) / ops
        unit = "bytes_per_op" if in_bytes else "ns_per_op"
        print(json.dumps({"test": name, unit: round(cost, 2), "ops": ops}), flush=True)


if __name__ == "__main__":
    main()
