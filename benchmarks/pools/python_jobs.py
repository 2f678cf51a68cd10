#!/usr/bin/env python3
"""The pool benchmarks in Python; the jobs are those of calls.c and threads.c."""

import asyncio
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

TEXT = bytes(1 << 20)
NUMBERS = range(1_000_000)
TOGETHER = 10_000


def next_number(x):
    return x + 1


def same(text):
    return text


def call(count):
    with ProcessPoolExecutor(1) as pool:
        number = pool.submit(next_number, 0).result()
        clocks = now()
        for _ in range(count):
            number = pool.submit(next_number, number).result()
        return count, clocks, now()


def call_awaited(count):
    async def work():
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(1) as pool:
            number = await loop.run_in_executor(pool, next_number, 0)
            clocks = now()
            for _ in range(count):
                number = await loop.run_in_executor(pool, next_number, number)
            return count, clocks, now()
    return asyncio.run(work())


def map_numbers(count):
    numbers = list(NUMBERS)
    with multiprocessing.Pool(2) as pool:
        pool.map(next_number, numbers)
        clocks = now()
        for _ in range(count):
            output = pool.map(next_number, numbers)
        ended = now()
    assert output[-1] == len(numbers)
    return count, clocks, ended


def texts(count):
    with ProcessPoolExecutor(1) as pool:
        pool.submit(same, TEXT).result()
        clocks = now()
        for _ in range(count):
            assert len(pool.submit(same, TEXT).result()) == len(TEXT)
        return count, clocks, now()


def thread(count):
    with ThreadPoolExecutor(1) as pool:
        number = pool.submit(next_number, 0).result()
        clocks = now()
        for _ in range(count):
            number = pool.submit(next_number, number).result()
        return count, clocks, now()


def threads(count):
    with ThreadPoolExecutor(2) as pool:
        clocks = now()
        for _ in range(count):
            futures = [pool.submit(next_number, number) for number in range(TOGETHER)]
            assert futures[-1].result() == TOGETHER
            for future in futures:
                future.result()
        return count * TOGETHER, clocks, now()


JOBS = {"call": call, "map": map_numbers, "bytes": texts, "thread": thread, "threads": threads}


def now():
    return time.monotonic(), time.process_time()


def main():
    job = call_awaited if "awaited" in sys.argv else JOBS[sys.argv[1]]
    count, began, ended = job(int(sys.argv[2]))
    print(json.dumps({"operations": count, "seconds": ended[0] - began[0],
                      "cpu_seconds": ended[1] - began[1]}))


if __name__ == "__main__":
    main()
