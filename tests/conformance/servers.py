"""Servers: who is accepted, who is waited for, and what a handler may do."""

import asyncio
import socket

from net import arrival, client, connected, got
from scenario import error, kind, log, log_reports, run_scenarios, scenario
from telling import state


async def echo(reader, writer):
    """Answers lines until there are no more."""
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def start(handler=echo, **options):
    return await asyncio.start_server(handler, "127.0.0.1", 0, **options)


async def asked(peer, line):
    peer.send(line)
    return await got(peer.take(len(line)))


@scenario("servers.coroutine_handler")
async def _():
    """A coroutine function is run as a task for each connection."""
    server = await start()
    for _ in range(3):
        peer = client(server)
        log(await asked(peer, "hello\n"))
        peer.end()
        log(await got(peer.take()))
    server.close()
    await server.wait_closed()


@scenario("servers.plain_handler")
async def _():
    """A plain function is called for each connection; the streams are its to keep."""
    kept = []

    def handler(reader, writer):
        kept.append((reader, writer))

    server = await start(handler)
    peer = client(server)
    peer.send("hello\n")
    while not kept:
        await asyncio.sleep(0)
    reader, writer = kept.pop()
    line = await reader.readline()
    writer.write(line)
    writer.close()
    log(await got(peer.take()))
    server.close()
    await server.wait_closed()


@scenario("servers.start_server")
async def _():
    """A server serves from start_serving() on, until serve_forever() is cancelled."""
    server = await start(start_serving=False)
    log(server.is_serving(), len(server.sockets))
    serving = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    log(server.is_serving())
    peer = client(server)
    log(await asked(peer, "hello\n"))
    peer.end()
    log(await got(peer.take()))
    await arrival()
    serving.cancel()
    try:
        await serving
    except asyncio.CancelledError as exception:
        log(error(exception))
    log(server.is_serving(), len(server.sockets))
    try:
        await server.serve_forever()
    except RuntimeError as exception:
        log(kind(exception), "is closed" in str(exception))


@scenario("servers.start_serving_twice")
async def _():
    """start_serving() may be called again; on a closed server it is an error in serve_forever()."""
    server = await start()
    await server.start_serving()
    await server.start_serving()
    log(server.is_serving())
    server.close()
    server.close()
    log(server.is_serving())
    await server.wait_closed()


@scenario("servers.serve_forever_twice")
async def _():
    """A second serve_forever() is a RuntimeError; the first one goes on."""
    server = await start()
    serving = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    try:
        await server.serve_forever()
    except RuntimeError as exception:
        log(kind(exception), "already being awaited on serve_forever()" in str(exception))
    log(serving.done(), server.is_serving())
    serving.cancel()
    log(await got(serving))


@scenario("servers.serve_forever_closed", since=(3, 12))
async def _():
    """close() ends serve_forever() with CancelledError, and leaves the connections."""
    server = await start()
    serving = asyncio.create_task(server.serve_forever())
    peer = client(server)
    log(await asked(peer, "one\n"))
    server.close()
    await arrival()
    log(serving.done())
    log(await asked(peer, "two\n"))
    peer.end()
    log(await got(serving))
    log(await got(peer.take()))


@scenario("servers.wait_closed_basic", since=(3, 12))
async def _():
    """wait_closed() waits for close(), and then for every connection."""
    server = await start()
    first = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)
    log(first.done())
    peer = client(server)
    log(await asked(peer, "hello\n"))
    second = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)
    log(first.done(), second.done())
    server.close()
    third = asyncio.create_task(server.wait_closed())
    await arrival()
    log(first.done(), second.done(), third.done())
    peer.end()
    await first
    await second
    await third
    await server.wait_closed()
    log("closed")


@scenario("servers.wait_closed_race", since=(3, 12))
async def _():
    """close() and the end of the last connection in one turn."""
    server = await start()
    waiting = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)
    reader, writer = await connected(server)
    loop = asyncio.get_running_loop()
    loop.call_soon(server.close)
    loop.call_soon(writer.close)
    await server.wait_closed()
    log(await got(waiting))


@scenario("servers.wait_closed_cancelled", since=(3, 12))
async def _():
    """A wait_closed() that is cancelled leaves the others waiting."""
    server = await start()
    first = asyncio.create_task(server.wait_closed())
    second = asyncio.create_task(server.wait_closed())
    await asyncio.sleep(0)
    first.cancel()
    log(await got(first))
    log(second.done())
    server.close()
    await second
    log("closed")


@scenario("servers.close_leaves_connections")
async def _():
    """After close() nobody is accepted, and who was accepted is served."""
    server = await start()
    address = server.sockets[0].getsockname()
    peer = client(server)
    log(await asked(peer, "one\n"))
    server.close()
    await arrival()
    with socket.socket() as late:
        log(late.connect_ex(address))
    log(await asked(peer, "two\n"))
    peer.end()
    log(await got(peer.take()))
    await server.wait_closed()


@scenario("servers.close_clients", since=(3, 13))
async def _():
    """close_clients() ends the connections, and their readers get the end."""
    server = await start()
    peer = client(server)
    log(await asked(peer, "hello\n"))
    waiting = asyncio.create_task(server.wait_closed())
    server.close()
    await arrival()
    log(waiting.done())
    server.close_clients()
    await waiting
    log(await got(peer.take()))


@scenario("servers.close_clients_sends_all", since=(3, 13))
async def _():
    """What is buffered is sent before close_clients() ends a connection."""

    async def handler(reader, writer):
        writer.write(b"x" * (6 << 20))
        await reader.read()

    server = await start(handler)
    peer = client(server)
    await arrival()
    await arrival()
    server.close()
    server.close_clients()
    log(len(await peer.take()))
    await server.wait_closed()


@scenario("servers.abort_clients", since=(3, 13))
async def _():
    """abort_clients() drops what is buffered, and the connections."""
    writers = []

    async def handler(reader, writer):
        writers.append(writer)
        writer.write(b"x" * (16 << 20))
        await writer.wait_closed()

    server = await start(handler)
    peer = client(server)
    while not writers:
        await asyncio.sleep(0)
    waiting = asyncio.create_task(server.wait_closed())
    await arrival()
    log(waiting.done())
    server.close()
    server.abort_clients()
    await waiting
    log(writers[0].transport.get_write_buffer_size())
    log(len(await peer.take()) < 16 << 20)


@scenario("servers.unhandled_exception")
async def _():
    """An exception of a handler is reported, and ends its connection, not the server."""
    log_reports()

    async def handler(reader, writer):
        await reader.readline()
        raise ValueError("test")

    server = await start(handler)
    for _ in range(2):
        peer = client(server)
        peer.send("hello\n")
        outcome = await got(peer.take())
        await arrival()
        log(outcome)
    server.close()
    await server.wait_closed()


@scenario("servers.unhandled_cancel", since=(3, 12))
async def _():
    """A handler that is cancelled is not reported."""
    log_reports()

    async def handler(reader, writer):
        writer.close()
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    server = await start(handler)
    peer = client(server)
    log(await got(peer.take()))
    server.close()
    await server.wait_closed()


@scenario("servers.cancelled_handler_closes", since=(3, 12))
async def _():
    """A handler that is cancelled while it waits ends its connection."""
    log_reports()
    tasks = []

    async def handler(reader, writer):
        tasks.append(asyncio.current_task())
        await reader.read()

    server = await start(handler)
    peer = client(server)
    while not tasks:
        await asyncio.sleep(0)
    tasks[0].cancel()
    log(await got(peer.take()))
    log(state(tasks[0]))
    server.close()
    await server.wait_closed()


@scenario("servers.peer_that_is_gone_at_once")
async def _():
    """A connection whose peer is gone before it is handled is handled all the same."""
    handled = []

    async def handler(reader, writer):
        handled.append(await got(reader.read()))
        writer.close()

    server = await start(handler)
    peer = client(server)
    peer.close()
    while not handled:
        await asyncio.sleep(0)
    log(handled[0])
    server.close()
    await server.wait_closed()


@scenario("servers.several_hosts")
async def _():
    """A server may listen on several addresses."""
    server = await asyncio.start_server(echo, ["127.0.0.1", "127.0.0.2"], 0)
    log(len(server.sockets), sorted(each.getsockname()[0] for each in server.sockets))
    server.close()
    await server.wait_closed()


@scenario("servers.given_socket")
async def _():
    """A socket that is bound may be given."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(echo, sock=sock)
    peer = client(server)
    log(await asked(peer, "hello\n"))
    peer.end()
    log(await got(peer.take()))
    server.close()
    await server.wait_closed()


@scenario("servers.given_socket_refused")
async def _():
    """It must be a stream socket, and come without host and port."""
    sock = socket.socket(type=socket.SOCK_DGRAM)
    for arguments in ({"sock": sock}, {"host": "127.0.0.1", "port": 0, "sock": sock}, {}):
        try:
            await asyncio.start_server(echo, **arguments)
        except ValueError as exception:
            log(kind(exception))
    sock.close()


@scenario("servers.address_in_use")
async def _():
    """An address that is taken is an OSError."""
    server = await start()
    try:
        await asyncio.start_server(echo, *server.sockets[0].getsockname())
    except OSError as exception:
        log(error(exception))
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    run_scenarios()
