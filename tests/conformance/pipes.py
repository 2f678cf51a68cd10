"""Pipes and terminals as streams: loop.connect_read_pipe() and connect_write_pipe()."""

import asyncio
import os
import socket
import struct
import tty

from net import arrival
from scenario import call, ended, log, run_scenarios, scenario
from telling import state

PIPE = 65536  # what a pipe holds


def loop():
    return asyncio.get_running_loop()


async def reader_of(fd, limit=65536):
    reader = asyncio.StreamReader(limit=limit)
    protocol = asyncio.StreamReaderProtocol(reader)
    await loop().connect_read_pipe(lambda: protocol, os.fdopen(fd, "rb", 0))
    return reader


async def writer_of(fd):
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    file = os.fdopen(fd, "wb", 0)
    transport, _ = await loop().connect_write_pipe(lambda: protocol, file)
    # Without a reader, as the standard input of a process has it.
    return asyncio.StreamWriter(transport, protocol, None, loop())


def taken(fd):
    """Takes what is there, without waiting; b"" at the end as well."""
    os.set_blocking(fd, False)
    data = b""
    try:
        while part := os.read(fd, PIPE):
            data += part
    except BlockingIOError:
        pass
    return data


def at_end(fd):
    os.set_blocking(fd, False)
    try:
        return os.read(fd, 1) == b""
    except BlockingIOError:
        return False


def filled(fd):
    """Writes until there is no room, and says how much it was."""
    os.set_blocking(fd, False)
    count = 0
    try:
        while True:
            count += os.write(fd, b"x" * 4096)
    except BlockingIOError:
        return count


def terminal():
    """Both sides of a terminal that passes bytes on as they are, at the time of a kernel thread."""
    master, slave = os.openpty()
    tty.setraw(slave)
    return master, slave


@scenario("pipes.read_to_the_end")
async def _():
    """Lines, a number of bytes, and what is left at the end."""
    near, far = os.pipe()
    reader = await reader_of(near)
    os.write(far, b"one\ntwo\nthree\nfour")
    log(await reader.readline())
    log(await reader.readexactly(4))
    log(await reader.readuntil(b"e"))
    log(reader.at_eof())
    os.close(far)
    log(await reader.read())
    log(reader.at_eof(), [await reader.read(), await reader.readline()] == [b"", b""])


@scenario("pipes.read_waits")
async def _():
    """A read waits for the other side."""
    near, far = os.pipe()
    reader = await reader_of(near)
    reading = asyncio.create_task(reader.readline())
    await arrival()
    log(state(reading))
    os.write(far, b"la")
    await arrival()
    log(state(reading))
    os.write(far, b"te\n")
    log(await reading)


@scenario("pipes.cancelled_read")
async def _():
    """A read that is cancelled loses nothing."""
    near, far = os.pipe()
    reader = await reader_of(near)
    reading = asyncio.create_task(reader.readexactly(4))
    os.write(far, b"ab")
    await arrival()
    reading.cancel()
    log(await ended(reading))
    os.write(far, b"cd")
    log(await reader.readexactly(4))


@scenario("pipes.incomplete")
async def _():
    """The end before all has come."""
    near, far = os.pipe()
    reader = await reader_of(near)
    os.write(far, b"abc")
    os.close(far)
    try:
        await reader.readexactly(10)
    except asyncio.IncompleteReadError as exception:
        log(exception.partial, exception.expected)
    log(await reader.read())


@scenario("pipes.long_line")
async def _():
    """A line that is longer than the limit."""
    near, far = os.pipe()
    reader = await reader_of(near, limit=8)
    os.write(far, b"0123456789abcdef\nshort\n")
    log((await ended(reader.readline())).partition(":")[0])
    log(await reader.readline())


@scenario("pipes.reader_is_full")
async def _():
    """Above its limit a reader leaves the rest in the pipe, and goes on when it is read."""
    near, far = os.pipe()
    reader = await reader_of(near, limit=1000)
    count = filled(far)
    await arrival()
    count += filled(far)
    await arrival()
    log(filled(far))
    os.close(far)
    log(len(await reader.read()) == count)


@scenario("pipes.two_writers")
async def _():
    """The end comes when the last writer goes."""
    near, far = os.pipe()
    other = os.dup(far)
    reader = await reader_of(near)
    os.write(far, b"one ")
    os.close(far)
    reading = asyncio.create_task(reader.read())
    await arrival()
    log(state(reading))
    os.write(other, b"two")
    os.close(other)
    log(await reading)


@scenario("pipes.read_error")
async def _():
    """What fails is the error of the read."""
    loop().set_exception_handler(lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        reader = await reader_of(listener.accept()[0].detach())
    peer.send(b"x")
    log(await reader.readexactly(1))
    reading = asyncio.create_task(reader.read())
    await arrival()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    log(await ended(reading))
    log(await ended(reader.read()))


@scenario("pipes.write")
async def _():
    """What is written arrives in order; close() is the end."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"one ")
    writer.write(b"")
    writer.writelines([b"two ", b"three"])
    await writer.drain()
    log(taken(near), at_end(near), writer.is_closing())
    writer.write(b"last")
    writer.close()
    writer.close()
    log(writer.is_closing(), await ended(writer.wait_closed()))
    log(taken(near), at_end(near))


@scenario("pipes.write_eof")
async def _():
    """write_eof() closes the pipe, for there is no other way to say it."""
    near, far = os.pipe()
    writer = await writer_of(far)
    log(writer.can_write_eof())
    writer.write(b"all")
    writer.write_eof()
    log(writer.is_closing(), call(writer.write, b"more"), call(writer.write_eof))
    writer.close()
    log(await ended(writer.wait_closed()))
    log(taken(near), at_end(near))


@scenario("pipes.write_eof_pending")
async def _():
    """write_eof() lets out first what is buffered."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x" * (3 * PIPE))
    writer.write_eof()
    await arrival()
    closed = asyncio.create_task(writer.wait_closed())
    count = 0
    for _ in range(3):
        log(state(closed))
        count += len(taken(near))
        await arrival()
    log(state(closed), count + len(taken(near)) == 3 * PIPE, at_end(near))


@scenario("pipes.write_partial")
async def _():
    """What the pipe has no room for is buffered, and goes when there is room."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x" * (PIPE + 1000))
    await arrival()
    log(writer.transport.get_write_buffer_size())
    writer.write(b"y" * 500)
    await arrival()
    log(writer.transport.get_write_buffer_size())
    log(len(taken(near)) == PIPE)
    await arrival()
    log(writer.transport.get_write_buffer_size(), taken(near) == b"x" * 1000 + b"y" * 500)


@scenario("pipes.drain")
async def _():
    """drain() waits above the high-water mark, and then until all is gone, if that is the low one."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.transport.set_write_buffer_limits(high=4 * PIPE, low=0)
    writer.write(b"x" * (5 * PIPE))
    await arrival()
    log(await ended(writer.drain()), writer.transport.get_write_buffer_size() // PIPE)
    writer.write(b"x" * (2 * PIPE))
    draining = asyncio.create_task(writer.drain())
    await arrival()
    for _ in range(6):
        log(state(draining), writer.transport.get_write_buffer_size() // PIPE)
        taken(near)
        await arrival()
    log(state(draining))


@scenario("pipes.reader_goes")
async def _():
    """An idle writer is closed when its reader goes, which is no failure; writing then is one."""
    near, far = os.pipe()
    writer = await writer_of(far)
    await arrival()
    log(writer.is_closing())
    os.close(near)
    log(await ended(writer.wait_closed()))
    log(writer.is_closing())
    writer.write(b"x")
    log((await ended(writer.drain())).partition(":")[0])


@scenario("pipes.write_to_nobody")
async def _():
    """A write after the reader went fails, at drain() and wait_closed()."""
    near, far = os.pipe()
    writer = await writer_of(far)
    os.close(near)
    writer.write(b"x")
    log((await ended(writer.drain())).partition(":")[0])
    log(await ended(writer.wait_closed()))
    writer.write(b"x")
    log((await ended(writer.drain())).partition(":")[0])


@scenario("pipes.reader_goes_in_the_middle")
async def _():
    """So does one that has not all gone when the reader goes."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x" * (3 * PIPE))
    draining = asyncio.create_task(writer.drain())
    await arrival()
    log(state(draining))
    os.close(near)
    log((await ended(draining)).partition(":")[0])
    log((await ended(writer.wait_closed())).partition(":")[0])
    log(writer.transport.get_write_buffer_size())


@scenario("pipes.abort")
async def _():
    """abort() drops what is buffered."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x" * (3 * PIPE))
    await arrival()
    writer.transport.abort()
    log(writer.is_closing(), await ended(writer.wait_closed()))
    log(len(taken(near)) == PIPE, at_end(near))


@scenario("pipes.write_after_close")
async def _():
    """What is written after close() is dropped."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"before")
    writer.close()
    writer.write(b"after")
    await writer.wait_closed()
    log(taken(near), at_end(near))


@scenario("pipes.drain_after_close")
async def _():
    """drain() after close() waits for what is buffered; when nothing is, the pipe is closed by then."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x" * (3 * PIPE))
    writer.close()
    draining = asyncio.create_task(writer.drain())
    for _ in range(3):
        await arrival()
        log(state(draining))
        taken(near)
    await arrival()
    log(state(draining))
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.write(b"x")
    writer.close()
    log((await ended(writer.drain())).partition(":")[0], taken(near), at_end(near))


@scenario("pipes.cancelled_drain")
async def _():
    """A cancelled drain() leaves the bytes alone."""
    near, far = os.pipe()
    writer = await writer_of(far)
    writer.transport.set_write_buffer_limits(0)
    writer.write(b"x" * (PIPE + 1))
    draining = asyncio.create_task(writer.drain())
    await arrival()
    draining.cancel()
    log(await ended(draining))
    writer.close()
    count = len(taken(near))
    await arrival()
    log(count + len(taken(near)) == PIPE + 1, await ended(writer.wait_closed()))


@scenario("pipes.pty_read", loop_factory=asyncio.SelectorEventLoop)
async def _():
    """What is written at the other side of a terminal."""
    master, slave = terminal()
    reader = await reader_of(master)
    os.write(slave, b"1")
    log(await reader.readexactly(1))
    os.write(slave, b"2345\n")
    log(await reader.readline())
    os.close(slave)


@scenario("pipes.pty_write", loop_factory=asyncio.SelectorEventLoop)
async def _():
    """A terminal is written to."""
    master, slave = terminal()
    writer = await writer_of(slave)
    screen = await reader_of(master)
    writer.write(b"1")
    await writer.drain()
    log(await screen.readexactly(1))
    writer.write(b"2345")
    await writer.drain()
    log(await screen.readexactly(4), writer.is_closing())
    writer.close()
    log(await ended(writer.wait_closed()))


@scenario("pipes.pty_both_ways", loop_factory=asyncio.SelectorEventLoop)
async def _():
    """Both directions of one terminal; its input does not end what writes to it."""
    master, slave = terminal()
    writer = await writer_of(os.dup(slave))
    reader = await reader_of(slave)
    os.write(master, b"question\n")
    log(await reader.readline())
    screen = await reader_of(master)
    writer.write(b"answer\n")
    await writer.drain()
    log(await screen.readline(), writer.is_closing())


@scenario("pipes.fifo")
async def _():
    """A pipe that has a name."""
    path = f"/tmp/ringio-conformance-{os.getpid()}"
    os.mkfifo(path)
    reader = await reader_of(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    writer = await writer_of(os.open(path, os.O_WRONLY))
    os.unlink(path)
    writer.write(b"through a name\n")
    log(await reader.readline())
    writer.close()
    log(await reader.read() == b"")


@scenario("pipes.socket")
async def _():
    """A socket is read, and written to."""
    near, far = socket.socketpair()
    reader = await reader_of(os.dup(near.fileno()))
    writer = await writer_of(far.detach())
    writer.write(b"through a socket\n")
    log(await reader.readline())
    writer.close()
    log(await reader.read() == b"")


@scenario("pipes.refused_files")
async def _():
    """Files of other kinds are refused."""
    log(await ended(reader_of(os.open("/proc/self/status", os.O_RDONLY))))
    log(await ended(writer_of(os.open("/proc/self/comm", os.O_WRONLY))))


if __name__ == "__main__":
    run_scenarios()
