#!/usr/bin/env python3
"""Pipes, sendfile and names on asyncio; the jobs are those of calls.c."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time

MESSAGE = bytes(64)
BLOCK = bytes(64 * 1024)


def start(partner, *words):
    return subprocess.Popen([partner, *map(str, words)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, bufsize=0)


async def reader_of(pipe):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def writer_of(pipe):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


async def ping(count, partner):
    other = start(partner, "echo")
    reader, writer = await reader_of(other.stdout), await writer_of(other.stdin)
    clocks = now()
    for _ in range(count):
        writer.write(MESSAGE)
        await writer.drain()
        await reader.readexactly(len(MESSAGE))
    return count, clocks


async def read(mib, partner):
    other = start(partner, "source", mib)
    reader = await reader_of(other.stdout)
    clocks = now()
    while await reader.read(len(BLOCK)):
        pass
    return mib, clocks


async def write(mib, partner):
    other = start(partner, "sink")
    writer = await writer_of(other.stdin)
    clocks = now()
    for _ in range((mib << 20) // len(BLOCK)):
        writer.write(BLOCK)
        await writer.drain()
    writer.close()
    await asyncio.to_thread(other.wait)
    return mib, clocks


async def sendfile(count, partner, path):
    size = os.path.getsize(path)
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    async def serve(reader, writer):
        clocks = now()
        with open(path, "rb") as file:
            while await reader.read(1):
                await loop.sendfile(writer.transport, file)
        done.set_result((count * size >> 20, clocks))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    start(partner, "receive", server.sockets[0].getsockname()[1], count, size)
    return await done


async def look_up(count, host_of):
    loop = asyncio.get_running_loop()
    numbers = iter(range(count))

    async def some():
        for number in numbers:
            await loop.getaddrinfo(host_of(number), number % 60000 + 1, type=socket.SOCK_STREAM)

    clocks = now()
    await asyncio.gather(*(some() for _ in range(64)))
    return count, clocks


async def literal(count, _):
    return await look_up(count, lambda number: f"127.0.0.{number % 250 + 1}")


async def names(count, _):
    return await look_up(count, lambda number: "localhost")


JOBS = {"ping": ping, "read": read, "write": write, "sendfile": sendfile, "literal": literal,
        "names": names}


def now():
    return time.monotonic(), time.process_time()


async def main():
    count, (began, cpu) = await JOBS[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
    ended = now()
    print(json.dumps({"operations": count, "seconds": ended[0] - began,
                      "cpu_seconds": ended[1] - cpu}))


if __name__ == "__main__":
    asyncio.run(main())
