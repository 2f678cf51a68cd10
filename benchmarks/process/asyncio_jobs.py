#!/usr/bin/env python3
"""The process benchmarks on asyncio; the jobs are those of calls.c."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE

TOGETHER = 64


async def run_true():
    process = await asyncio.create_subprocess_exec("/bin/true")
    assert await process.wait() == 0


async def spawn(count):
    for _ in range(count):
        await run_true()
    return count


async def together(count):
    rounds = (count + TOGETHER - 1) // TOGETHER
    for _ in range(rounds):
        await asyncio.gather(*(run_true() for _ in range(TOGETHER)))
    return rounds * TOGETHER


async def communicate(mib):
    text = bytes(mib << 20)
    cat = await asyncio.create_subprocess_exec("/bin/cat", stdin=PIPE, stdout=PIPE)
    out, _ = await cat.communicate(text)
    assert len(out) == len(text)
    return mib


async def signals(count):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = count

    def on_signal():
        nonlocal left
        left -= 1
        if left > 0:
            os.kill(os.getpid(), signal.SIGUSR1)
        else:
            done.set_result(None)

    loop.add_signal_handler(signal.SIGUSR1, on_signal)
    os.kill(os.getpid(), signal.SIGUSR1)
    await done
    return count


async def reader(count):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    source, target = os.pipe()
    left = count

    def on_byte():
        nonlocal left
        byte = os.read(source, 1)
        left -= 1
        if left > 0:
            os.write(target, byte)
        else:
            done.set_result(None)

    loop.add_reader(source, on_byte)
    os.write(target, b"x")
    await done
    loop.remove_reader(source)
    return count


JOBS = {"spawn": spawn, "together": together, "communicate": communicate, "signal": signals,
        "reader": reader}


async def main():
    began, cpu = time.monotonic(), time.process_time()
    count = await JOBS[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps({"operations": count, "seconds": time.monotonic() - began,
                      "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    asyncio.run(main())
