"""StreamReader and StreamWriter over real connections."""

import asyncio
import socket

from net import arrival, connect, got
from scenario import call, ended, error, kind, log, run_scenarios, scenario, turns


@scenario("streams.open_connection")
async def _():
    """A connection carries a question and its answer to the end."""
    link = await connect()
    link.writer.write(b"GET / HTTP/1.0\n\n")
    log(await link.peer.take(16))
    link.peer.send("HTTP/1.0 200 OK\nHost: x\n\nTest message")
    link.peer.end()
    log(await got(link.reader.readline()))
    log(await got(link.reader.read()))
    link.writer.close()
    log(await got(link.peer.take()))


@scenario("streams.open_connection_error")
async def _():
    """A connection that breaks is the error of the read that waits, and of the next one."""
    link = await connect()
    reading = asyncio.create_task(link.reader.read())
    await arrival()
    link.peer.reset()
    log(await got(reading))
    log(await got(link.reader.read()))


@scenario("streams.refused")
async def _():
    """Where nobody listens the connection is refused."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        log(await ended(asyncio.open_connection(*sock.getsockname())))


@scenario("streams.data_while_nobody_reads")
async def _():
    """What comes while nobody reads is there for the next read."""
    link = await connect()
    link.peer.send("data")
    await arrival()
    log(await got(link.reader.read(100)))


@scenario("streams.read_zero")
async def _():
    """read(0) gives nothing and takes nothing."""
    link = await connect()
    link.peer.send("data")
    log(await got(link.reader.read(0)))
    log(await got(link.reader.read(100)))
    log(await got(link.reader.read(0)))


@scenario("streams.read")
async def _():
    """read(n) gives what there is, at most n bytes, and waits for the first one."""
    link = await connect()
    reading = asyncio.create_task(link.reader.read(30))
    await arrival()
    log(reading.done())
    link.peer.send("0123456789")
    log(await got(reading))
    link.peer.send("0123456789")
    await arrival()
    log(await got(link.reader.read(3)))
    log(await got(link.reader.read(30)))


@scenario("streams.read_line_breaks")
async def _():
    """read(n) does not stop at the end of a line."""
    link = await connect()
    link.peer.send("line1\nline2")
    await arrival()
    log(await got(link.reader.read(5)))
    log(await got(link.reader.read(5)))
    log(await got(link.reader.read(5)))


@scenario("streams.read_eof")
async def _():
    """read(n) at the end gives nothing, each time."""
    link = await connect()
    reading = asyncio.create_task(link.reader.read(1024))
    await arrival()
    link.peer.end()
    log(await got(reading))
    log(await got(link.reader.read(1024)), link.reader.at_eof())


@scenario("streams.read_until_eof")
async def _():
    """read() without a size collects everything to the end, beyond the limit too."""
    link = await connect(limit=4)
    reading = asyncio.create_task(link.reader.read(-1))
    await arrival()
    link.peer.send("chunk1\n")
    await arrival()
    log(reading.done())
    link.peer.send("chunk2")
    link.peer.end()
    log(await got(reading))
    log(await got(link.reader.read()))


@scenario("streams.errors_come_first")
async def _():
    """When the connection broke, each way to read raises, whatever came before."""
    link = await connect()
    link.peer.send("line\n")
    await arrival()
    log(await got(link.reader.read(2)))
    link.peer.reset()
    await arrival()
    log(await got(link.reader.read(2)))
    log(await got(link.reader.readline()))
    log(await got(link.reader.readexactly(2)))
    log(await got(link.reader.readuntil()))
    log(error(link.reader.exception()), link.reader.at_eof())


@scenario("streams.invalid_limit")
async def _():
    """A limit of 0 is a ValueError."""
    try:
        await connect(limit=0)
    except ValueError as exception:
        log(kind(exception))


@scenario("streams.read_limit")
async def _():
    """read(n) is not bounded by the limit."""
    link = await connect(limit=3)
    link.peer.send("chunk")
    await arrival()
    log(await got(link.reader.read(5)))


@scenario("streams.readline")
async def _():
    """A line may come in pieces; what follows it stays."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    for piece in ("chunk1 ", "chunk2 ", "chunk3 "):
        link.peer.send(piece)
        await arrival()
    log(reading.done())
    link.peer.send("\n chunk4")
    log(await got(reading))
    log(await got(link.reader.read(100)))


@scenario("streams.readline_limit_with_existing_data")
async def _():
    """A line beyond the limit is a ValueError, and dropped; one without an end drops all."""
    link = await connect(limit=3)
    link.peer.send("li")
    await arrival()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    link.peer.send("ne1\nline2\n")
    log(await got(reading))
    log(await got(link.reader.read(100)))
    link = await connect(limit=3)
    link.peer.send("li")
    await arrival()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    link.peer.send("ne1")
    log(await got(reading))
    link.peer.send("li")
    link.peer.end()
    await arrival()
    log(await got(link.reader.readline()))


@scenario("streams.readline_limit")
async def _():
    """Lines within the limit are read, the one beyond it is a ValueError, and the next is there."""
    link = await connect(limit=7)
    link.peer.send("chunk1chunk2\nab\n")
    await arrival()
    log(await got(link.reader.readline()))
    log(await got(link.reader.readline()))
    link.peer.send("1234567\n")
    await arrival()
    log(await got(link.reader.readline()))


@scenario("streams.at_eof")
async def _():
    """at_eof() is true when the end has come and everything is read."""
    link = await connect()
    log(link.reader.at_eof())
    link.peer.send("some data\n")
    await arrival()
    log(link.reader.at_eof())
    log(await got(link.reader.readline()))
    log(link.reader.at_eof())
    link.peer.send("some data\n")
    link.peer.end()
    await arrival()
    log(link.reader.at_eof())
    log(await got(link.reader.readline()))
    log(link.reader.at_eof())


@scenario("streams.at_eof_unread")
async def _():
    """An end is noticed while nobody reads."""
    link = await connect()
    link.peer.end()
    await arrival()
    log(link.reader.at_eof())


@scenario("streams.readline_nolimit_nowait")
async def _():
    """Lines that are there are read without waiting."""
    link = await connect()
    link.peer.send("line1\nline2\nline3\n")
    await arrival()
    log(await got(link.reader.readline()))
    log(await got(link.reader.read(100)))


@scenario("streams.readline_eof")
async def _():
    """The last line may lack its end."""
    link = await connect()
    link.peer.send("some data")
    link.peer.end()
    log(await got(link.reader.readline()))
    log(await got(link.reader.readline()))


@scenario("streams.readline_empty_eof")
async def _():
    """A line at the end is empty."""
    link = await connect()
    link.peer.end()
    log(await got(link.reader.readline()))


@scenario("streams.readline_read_byte_count")
async def _():
    """A line, and then a number of bytes."""
    link = await connect()
    link.peer.send("line1\nline2\nline3\n")
    await arrival()
    log(await got(link.reader.readline()))
    log(await got(link.reader.read(7)))
    log(await got(link.reader.read(100)))


@scenario("streams.readuntil_separator")
async def _():
    """A separator that is empty is a ValueError."""
    link = await connect()
    log(await got(link.reader.readuntil(b"")))


@scenario("streams.readuntil_separators", since=(3, 13))
async def _():
    """So is an empty one among several."""
    link = await connect()
    log(await got(link.reader.readuntil((b"", b"x"))))


@scenario("streams.readuntil_multi_chunks")
async def _():
    """A separator may come in pieces."""
    link = await connect()
    for pieces in (["lineAAA"], ["lineAAA"], ["lineAAAxxx"]):
        for piece in pieces:
            link.peer.send(piece)
        log(await got(link.reader.readuntil(b"AAA")))
    log(await got(link.reader.read(100)))
    for pieces in (
        ["QWERTYaa", "XaaaX"],
        ["aaa"],
        ["aaa", "aaa"],
        ["aaaXaaaaXaaa"],
        ["aaaa", "a"],
        ["aaaaaaa", "a"],
    ):
        reading = asyncio.create_task(link.reader.readuntil(b"aaa"))
        for piece in pieces:
            link.peer.send(piece)
            await arrival()
        log(await got(reading))
    link.peer.end()
    log(await got(link.reader.read()))


@scenario("streams.readuntil_eof")
async def _():
    """At the end it is an IncompleteReadError, which has what came."""
    link = await connect()
    link.peer.send("some data")
    link.peer.end()
    try:
        await link.reader.readuntil(b"AAA")
    except asyncio.IncompleteReadError as exception:
        log(error(exception))
        log(exception.partial.decode(), exception.expected is None)
    log(await got(link.reader.read()))


@scenario("streams.readuntil_limit_found_sep")
async def _():
    """Beyond the limit it is a LimitOverrunError, and the data stays."""
    link = await connect(limit=3)
    for piece in ("some dataAA", "A", "some dataAAA"):
        link.peer.send(piece)
        await arrival()
        try:
            await link.reader.readuntil(b"AAA")
        except asyncio.LimitOverrunError as exception:
            log(error(exception), exception.consumed)
    log(await got(link.reader.readexactly(24)))


@scenario("streams.readuntil_multi_separator", since=(3, 13))
async def _():
    """Of several separators the one that ends first counts, of those the shortest."""
    link = await connect()
    for data, separators in (
        ("dataX", (b"X", b"Y")),
        ("dataYX", (b"X", b"Y")),
        ("", (b"X",)),
        ("line1\r\nline2\n", (b"\r\n", b"\n")),
        ("", (b"\r\n", b"\n")),
        ("some DELIMITER", (b"DELIM", b"DELIMITER", b"ELIM")),
    ):
        link.peer.send(data)
        await arrival()
        log(await got(link.reader.readuntil(separators)))
    log(await got(link.reader.read(100)))


@scenario("streams.readuntil_multi_separator_limit", since=(3, 13))
async def _():
    """With several separators the limit is that before the one that was found."""
    link = await connect(limit=3)
    link.peer.send("some dataA")
    await arrival()
    try:
        await link.reader.readuntil((b"A", b"ome dataA"))
    except asyncio.LimitOverrunError as exception:
        log(error(exception), exception.consumed)
    log(await got(link.reader.read(100)))


@scenario("streams.readuntil_multi_separator_negative_offset", since=(3, 13))
async def _():
    """A long separator among short ones that comes in pieces is found."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readuntil((b"A", b"long sep")))
    for piece in ("line", "long ", "sepX"):
        link.peer.send(piece)
        await arrival()
    log(await got(reading))
    log(await got(link.reader.read(100)))


@scenario("streams.readexactly_zero_or_less")
async def _():
    """readexactly(0) gives nothing, a negative number is a ValueError."""
    link = await connect()
    link.peer.send("data")
    await arrival()
    log(await got(link.reader.readexactly(0)))
    log(await got(link.reader.readexactly(-1)))
    log(await got(link.reader.readexactly(4)))


@scenario("streams.readexactly")
async def _():
    """readexactly(n) waits for all of them, and leaves the rest."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readexactly(12))
    await arrival()
    for _ in range(3):
        link.peer.send("data")
        await arrival()
    log(await got(reading))
    link.peer.send("data and more")
    log(await got(link.reader.readexactly(4)))
    log(await got(link.reader.readexactly(9)))


@scenario("streams.readexactly_limit")
async def _():
    """readexactly(n) is not bounded by the limit."""
    link = await connect(limit=3)
    link.peer.send("chunk")
    await arrival()
    log(await got(link.reader.readexactly(5)))


@scenario("streams.readexactly_beyond_the_limit")
async def _():
    """A read that wants more than the reader may hold back does not wait for ever."""
    link = await connect(limit=1000)
    link.peer.send("x" * 60000)
    await arrival()
    data = await link.reader.readexactly(50000)
    log(len(data), len(await link.reader.readexactly(10000)))


@scenario("streams.readexactly_eof")
async def _():
    """An end before that is an IncompleteReadError, and what came is gone."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readexactly(8))
    await arrival()
    link.peer.send("data")
    link.peer.end()
    try:
        await reading
    except asyncio.IncompleteReadError as exception:
        log(error(exception))
        log(exception.partial.decode(), exception.expected)
    log(await got(link.reader.read()))


@scenario("streams.exception")
async def _():
    """exception() tells what broke the connection, also when nobody read."""
    link = await connect()
    log(error(link.reader.exception()))
    link.peer.reset()
    await arrival()
    log(error(link.reader.exception()))


@scenario("streams.exception_waiter")
async def _():
    """A reader that waits is woken by the error."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    log(reading.done())
    link.peer.reset()
    await arrival()
    log(reading.done(), await got(reading))


@scenario("streams.exception_cancel")
async def _():
    """An error after the reader was cancelled disturbs nobody."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    reading.cancel()
    link.peer.reset()
    log(await got(reading))
    await arrival()
    log(error(link.reader.exception()))


@scenario("streams.cancelled_read_loses_nothing")
async def _():
    """What comes for a reader that was cancelled is there for the next one."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readexactly(6))
    await arrival()
    link.peer.send("abc")
    await arrival()
    reading.cancel()
    log(await got(reading))
    link.peer.send("def")
    log(await got(link.reader.readexactly(6)))


@scenario("streams.one_reader_at_a_time")
async def _():
    """A second reader is a RuntimeError; the first one goes on."""
    link = await connect()
    reading = asyncio.create_task(link.reader.readline())
    await arrival()
    log(await got(link.reader.read(1)))
    log(await got(link.reader.readexactly(1)))
    link.peer.send("line\n")
    log(await got(reading))


@scenario("streams.back_pressure")
async def _():
    """A peer that sends much to one who does not read has to wait; nothing is lost."""
    link = await connect(limit=1000, buffer=65536)
    link.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    sent = 0
    idle = 0
    while idle < 50:
        try:
            sent += link.peer.sock.send(b"x" * 65536, socket.MSG_DONTWAIT)
            idle = 0
        except BlockingIOError:
            idle += 1
        await asyncio.sleep(0)
    log(sent < 64 << 20)
    link.peer.end()
    log(len(await link.reader.read()) == sent)


@scenario("streams.multiple_drain")
async def _():
    """Several tasks may wait in drain(); all go on when there is room."""
    link = await connect(buffer=65536)
    link.writer.write(b"x" * (6 << 20))
    draining = [asyncio.create_task(link.writer.drain()) for _ in range(5)]
    await arrival()
    log([each.done() for each in draining])
    link.writer.close()
    log(len(await link.peer.take()))
    await asyncio.gather(*draining)
    log([each.done() for each in draining])


@scenario("streams.drain_raises")
async def _():
    """drain() over a connection that broke raises, in a loop that only writes too."""
    link = await connect()
    link.peer.reset()
    try:
        for _ in range(1000):
            link.writer.write(b"foo")
            await link.writer.drain()
        log("no error")
    except OSError as exception:
        log(kind(exception))


@scenario("streams.drain_does_not_wait_below_the_mark")
async def _():
    """Below the high-water mark drain() does not wait for the peer."""
    link = await connect()
    link.writer.write(b"data")
    await link.writer.drain()
    log("drained")
    log(await link.peer.take(4))


@scenario("streams.water_marks")
async def _():
    """Marks that contradict each other are a ValueError."""
    link = await connect()
    limits = link.writer.transport.set_write_buffer_limits
    log(call(lambda: limits(high=10, low=20)))
    log(call(lambda: limits(high=10)))
    log(call(lambda: limits(low=10)))
    log(call(lambda: limits(high=0)))


@scenario("streams.high_water_of_zero")
async def _():
    """With a high-water mark of 0 drain() waits until everything is sent."""
    link = await connect(buffer=65536)
    link.writer.transport.set_write_buffer_limits(high=0)
    link.writer.write(b"x" * (6 << 20))
    draining = asyncio.create_task(link.writer.drain())
    await arrival()
    log(draining.done())
    taking = asyncio.create_task(link.peer.take(6 << 20))
    await draining
    log(link.writer.transport.get_write_buffer_size())
    log(len(await taking))


@scenario("streams.writelines")
async def _():
    """writelines() writes one after the other."""
    link = await connect()
    link.writer.writelines([b"one ", b"two ", b"", b"three"])
    await link.writer.drain()
    log(await link.peer.take(13))


@scenario("streams.write_eof")
async def _():
    """After write_eof() the peer has the end, may go on sending, and write() is a RuntimeError."""
    link = await connect()
    log(link.writer.can_write_eof())
    link.writer.write(b"question")
    link.writer.write_eof()
    log(await got(link.peer.take()))
    link.peer.send("answer")
    link.peer.end()
    log(await got(link.reader.read()))
    log(call(lambda: link.writer.write(b"more")))


@scenario("streams.wait_closed_on_close")
async def _():
    """close() ends the connection after what is buffered; wait_closed() waits for that."""
    link = await connect()
    log(link.writer.is_closing())
    link.writer.write(b"bye")
    link.writer.close()
    log(link.writer.is_closing())
    await link.writer.wait_closed()
    log(await got(link.peer.take()))
    link.writer.close()
    await link.writer.wait_closed()


@scenario("streams.wait_closed_on_close_with_unread_data")
async def _():
    """close() does not need anybody to read what came."""
    link = await connect()
    link.peer.send("line\nunread")
    log(await got(link.reader.readline()))
    link.writer.close()
    await link.writer.wait_closed()
    log(link.writer.is_closing())


@scenario("streams.close_with_unread_data_sends_all")
async def _():
    """What was written arrives, though input was left unread."""
    link = await connect()
    link.peer.send("unread")
    await arrival()
    link.writer.write(b"y" * 200000)
    link.writer.close()
    log(len(await link.peer.take()))
    await link.writer.wait_closed()


@scenario("streams.wait_closed_raises")
async def _():
    """wait_closed() raises what broke the connection."""
    link = await connect()
    waiting = asyncio.create_task(link.writer.wait_closed())
    await arrival()
    link.peer.reset()
    log(await ended(waiting))


@scenario("streams.async_writer_api_exception_after_close")
async def _():
    """What is written after close() is dropped, and drain() raises."""
    link = await connect()
    link.writer.close()
    try:
        link.writer.write(b"data")
        await link.writer.drain()
    except ConnectionResetError as exception:
        log(kind(exception))
    await arrival()
    log(await got(link.peer.take()))


@scenario("streams.eof_when_closing_writer")
async def _():
    """After close() of one's own the reader is at its end."""
    link = await connect()
    link.writer.close()
    await link.writer.wait_closed()
    log(link.reader.at_eof())


@scenario("streams.close_under_a_reader")
async def _():
    """close() is the end for the one who waits in read()."""
    link = await connect()
    reading = asyncio.create_task(link.reader.read(10))
    await arrival()
    link.writer.close()
    log(await got(reading))


@scenario("streams.abort")
async def _():
    """abort() drops what is buffered, and the connection."""
    link = await connect(buffer=65536)
    link.writer.write(b"x" * (6 << 20))
    link.writer.transport.abort()
    await link.writer.wait_closed()
    log(link.writer.is_closing(), link.writer.transport.get_write_buffer_size())
    log(len(await link.peer.take()) < 6 << 20)


@scenario("streams.addresses")
async def _():
    """The addresses are known, also when the connection is closed."""
    link = await connect()
    own, peer = link.peer.sock.getpeername(), link.peer.sock.getsockname()
    for _ in range(2):
        log(link.writer.get_extra_info("peername") == peer)
        log(link.writer.get_extra_info("sockname") == own)
        link.writer.close()
        await link.writer.wait_closed()


@scenario("streams.given_socket")
async def _():
    """A socket that is connected may be given."""
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=near)
    writer.write(b"data")
    await writer.drain()
    log(far.recv(100).decode())
    far.close()
    log(await got(reader.read()))
    writer.close()
    await writer.wait_closed()


@scenario("streams.given_socket_refused")
async def _():
    """It must be a stream socket, and come without host and port."""
    near, far = socket.socketpair(type=socket.SOCK_DGRAM)
    for arguments in ({"sock": near}, {"host": "127.0.0.1", "port": 80, "sock": near}, {}):
        try:
            await asyncio.open_connection(**arguments)
        except ValueError as exception:
            log(kind(exception))
    near.close()
    far.close()


@scenario("streams.local_addr")
async def _():
    """The own address may be chosen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, writer = await asyncio.open_connection(
            *listener.getsockname(), local_addr=("127.0.0.9", 0)
        )
        log(writer.get_extra_info("sockname")[0])
        writer.close()
        await writer.wait_closed()
        log(kind(await _failure(listener)))


async def _failure(listener):
    try:
        await asyncio.open_connection(*listener.getsockname(), local_addr=("192.0.2.1", 0))
    except OSError as exception:
        return exception
    return None


if __name__ == "__main__":
    run_scenarios()
