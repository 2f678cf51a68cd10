"""Sockets below the streams: loop.sock_connect() and its like."""

import asyncio
import os
import socket

from net import Peer, got
from scenario import ended, log, run_scenarios, scenario, turns

PATTERN = b"0123456789" * 100_000


def plain(family=socket.AF_INET):
    sock = socket.socket(family)
    sock.setblocking(False)
    return sock


def loop():
    return asyncio.get_running_loop()


async def pair():
    """A socket and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = plain()
        await loop().sock_connect(sock, listener.getsockname())
        return sock, Peer(listener.accept()[0])


async def echoed(peer):
    """Sends back what comes, to the end."""
    data = await peer.take(len(PATTERN))
    view = memoryview(data)
    while view:
        try:
            view = view[peer.sock.send(view, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            await asyncio.sleep(0)
    peer.end()


@scenario("sockets.client_ops")
async def _():
    """Connect, send, receive, receive the end."""
    sock, peer = await pair()
    await loop().sock_sendall(sock, b"question")
    log(await got(peer.take(8)))
    peer.send("answer")
    log(await got(loop().sock_recv(sock, 1024)))
    peer.end()
    log(await got(loop().sock_recv(sock, 1024)))
    sock.close()


@scenario("sockets.recv_into")
async def _():
    """Receive into memory of the caller."""
    sock, peer = await pair()
    peer.send("answer")
    data = bytearray(4)
    log(await loop().sock_recv_into(sock, data), bytes(data))
    log(await loop().sock_recv_into(sock, data), bytes(data))
    sock.close()


@scenario("sockets.recv_racing")
async def _():
    """After a receive was cancelled the next one gets what comes."""
    sock, peer = await pair()
    task = asyncio.create_task(loop().sock_recv(sock, 1024))
    await turns(2)
    task.cancel()
    log(await got(task))
    peer.send("answer")
    log(await got(loop().sock_recv(sock, 1024)))
    sock.close()


@scenario("sockets.send_racing")
async def _():
    """After a send that had to wait was cancelled the next one goes through."""
    sock, peer = await pair()
    try:
        while True:
            sock.send(b" " * 4096, socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass
    task = asyncio.create_task(loop().sock_sendall(sock, b" "))
    await turns(2)
    task.cancel()
    await ended(task)
    taking = asyncio.create_task(peer.take())
    await loop().sock_sendall(sock, b"world")
    sock.shutdown(socket.SHUT_WR)
    log((await taking).strip())
    sock.close()


@scenario("sockets.connect_racing")
async def _():
    """A socket whose connect was cancelled may connect again."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    sock = plain()
    task = asyncio.create_task(loop().sock_connect(sock, listener.getsockname()))
    await turns(1)
    task.cancel()
    await ended(task)
    listener.listen(1)
    outcome = ""
    for _ in range(3):
        outcome = await ended(loop().sock_connect(sock, listener.getsockname()))
        if outcome == "None":
            break
    log(outcome)
    sock.close()
    listener.close()


@scenario("sockets.huge_content")
async def _():
    """A million bytes there and back."""
    sock, peer = await pair()
    echoing = asyncio.create_task(echoed(peer))
    sending = asyncio.create_task(loop().sock_sendall(sock, PATTERN))
    data = b""
    while part := await loop().sock_recv(sock, 65536):
        data += part
    log(len(data), data == PATTERN)
    await sending
    await echoing
    sock.close()


@scenario("sockets.huge_content_recvinto")
async def _():
    """The same, into memory of the caller."""
    sock, peer = await pair()
    echoing = asyncio.create_task(echoed(peer))
    sending = asyncio.create_task(loop().sock_sendall(sock, PATTERN))
    data = bytearray(len(PATTERN))
    size = 0
    while count := await loop().sock_recv_into(sock, memoryview(data)[size:]):
        size += count
        if size == len(data):
            break
    log(size, data == PATTERN)
    await sending
    await echoing
    sock.close()


@scenario("sockets.client_fail")
async def _():
    """Connecting where nobody listens is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        sock = plain()
        log(await ended(loop().sock_connect(sock, bound.getsockname())))
        sock.close()


@scenario("sockets.accept")
async def _():
    """Accept waits for a connection, and gives it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    accepting = asyncio.create_task(loop().sock_accept(listener))
    await turns(2)
    log(accepting.done())
    peer = Peer(socket.create_connection(listener.getsockname()))
    sock, _ = await accepting
    peer.send("hello")
    log(await got(loop().sock_recv(sock, 1024)))
    sock.close()
    listener.close()


@scenario("sockets.cancel_accept")
async def _():
    """An accept that is cancelled takes no connection: the next one gets it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    accepting = asyncio.create_task(loop().sock_accept(listener))
    await turns(2)
    accepting.cancel()
    log(await got(accepting))
    peer = Peer(socket.create_connection(listener.getsockname()))
    sock, _ = await loop().sock_accept(listener)
    peer.send("hello")
    log(await got(loop().sock_recv(sock, 1024)))
    sock.close()
    listener.close()


@scenario("sockets.unix_client_ops")
async def _():
    """The same over a Unix socket."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0ringio-conformance-{os.getpid()}")
    listener.listen()
    sock = plain(socket.AF_UNIX)
    await loop().sock_connect(sock, listener.getsockname())
    peer = Peer(listener.accept()[0])
    await loop().sock_sendall(sock, b"question")
    log(await got(peer.take(8)))
    peer.send("answer")
    log(await got(loop().sock_recv(sock, 1024)))
    peer.close()
    log(await got(loop().sock_recv(sock, 1024)))
    sock.close()
    listener.close()


@scenario("sockets.create_connection_sock")
async def _():
    """A socket that connected on its own becomes a connection."""
    sock, peer = await pair()
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.write(b"question")
    log(await got(peer.take(8)))
    peer.send("answer")
    peer.end()
    log(await got(reader.read()))
    writer.close()
    await writer.wait_closed()


@scenario("sockets.reset")
async def _():
    """A receive from a peer that resets is an error."""
    sock, peer = await pair()
    receiving = asyncio.create_task(loop().sock_recv(sock, 1024))
    await turns(2)
    peer.reset()
    log(await got(receiving))
    sock.close()


if __name__ == "__main__":
    run_scenarios()
