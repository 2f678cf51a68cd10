"""A file's content over a connection: loop.sendfile() and loop.sock_sendfile()."""

import asyncio
import io
import os
import socket
import tempfile

from net import Peer, arrival, connect
from scenario import call, ended, log, run_scenarios, scenario, turns

CONTENT = b"0123456789abcdef" * (1 << 14) + b"x"
LONG = CONTENT * 64


def loop():
    return asyncio.get_running_loop()


def file_of(content):
    file = tempfile.TemporaryFile(buffering=0)
    file.write(content)
    file.seek(0)
    return file


def unseekable(content):
    """What is no regular file: here without a descriptor, there a pipe."""
    return io.BytesIO(content)


def buffers(sock, size):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


async def link_with_small_buffers():
    link = await connect(buffer=4096)
    buffers(link.writer.get_extra_info("socket"), 4096)
    return link


async def pair(buffer=0):
    """A socket and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock = socket.socket()
        sock.setblocking(False)
        await loop().sock_connect(sock, listener.getsockname())
        if buffer:
            buffers(sock, buffer)
        return sock, Peer(listener.accept()[0])


def send(link, file, *part, **how):
    return ended(loop().sendfile(link.writer.transport, file, *part, **how))


def position(file):
    return os.lseek(file.fileno(), 0, os.SEEK_CUR)


@scenario("sendfile.whole")
async def _():
    """A whole file; the position is behind it."""
    link, file = await connect(), file_of(CONTENT)
    taking = asyncio.create_task(link.peer.take())
    log(await send(link, file))
    link.writer.close()
    log(await taking == CONTENT, position(file))


@scenario("sendfile.partial")
async def _():
    """A part of it; the position is behind that."""
    link, file = await connect(), file_of(CONTENT)
    log(await send(link, file, 1000, 100))
    link.writer.close()
    log(await link.peer.take() == CONTENT[1000:1100], position(file))


@scenario("sendfile.ends_of_the_file")
async def _():
    """Nothing of it, more than there is, what is behind its end."""
    link, file = await connect(), file_of(b"0123456789")
    log(await send(link, file, 8, 100), position(file))
    log(await send(link, file, 100), position(file))
    log(await send(link, file_of(b"")))
    link.writer.close()
    log(await link.peer.take())


@scenario("sendfile.pre_and_post_data")
async def _():
    """Between what was written before and what is written afterwards."""
    link, file = await connect(), file_of(CONTENT)
    taking = asyncio.create_task(link.peer.take())
    link.writer.write(b"PREFIX__" * 1024)
    log(await send(link, file))
    link.writer.write(b"--SUFFIX" * 1024)
    link.writer.close()
    log(await taking == b"PREFIX__" * 1024 + CONTENT + b"--SUFFIX" * 1024)


@scenario("sendfile.twice")
async def _():
    """One after the other, and what is written between them."""
    link, file = await connect(), file_of(CONTENT)
    taking = asyncio.create_task(link.peer.take())
    log(await send(link, file, 0, 10))
    link.writer.write(b"-")
    log(await send(link, file, 10, 6))
    link.writer.close()
    log(await taking)


@scenario("sendfile.fallback")
async def _():
    """What is no regular file is read and sent."""
    link = await connect()
    taking = asyncio.create_task(link.peer.take())
    log(await send(link, unseekable(CONTENT[:60000])))
    link.writer.close()
    log(await taking == CONTENT[:60000])


@scenario("sendfile.fallback_count")
async def _():
    """So much of what is no regular file."""
    link, file = await connect(), unseekable(b"0123456789")
    log(await send(link, file, 0, 4))
    link.writer.close()
    log(await link.peer.take())


@scenario("sendfile.no_fallback")
async def _():
    """Or refused, and the connection is as before."""
    link = await connect()
    log(await send(link, unseekable(b"x"), fallback=False))
    link.writer.write(b"y")
    link.writer.close()
    log(await link.peer.take())


@scenario("sendfile.closing")
async def _():
    """A connection that is closing is refused; the position stays."""
    link, file = await connect(), file_of(CONTENT)
    link.writer.close()
    log(await send(link, file), position(file))


@scenario("sendfile.prevents_bare_write")
async def _():
    """While it runs nobody else may write."""
    link, file = await link_with_small_buffers(), file_of(LONG)
    sending = asyncio.create_task(send(link, file))
    await arrival()
    log(call(link.writer.write, b"data"))
    taking = asyncio.create_task(link.peer.take())
    log(await sending)
    link.writer.write(b"after")
    link.writer.close()
    log(await taking == LONG + b"after")


@scenario("sendfile.close_peer_after_receiving")
async def _():
    """A peer that closes when it has all."""
    link, file = await connect(), file_of(CONTENT)

    async def take_and_close():
        data = await link.peer.take(len(CONTENT))
        link.peer.close()
        return data

    taking = asyncio.create_task(take_and_close())
    log(await send(link, file))
    log(await taking == CONTENT, position(file))


@scenario("sendfile.close_peer_in_the_middle")
async def _():
    """A peer that goes in the middle: an error, and the position is somewhere in between."""
    link, file = await link_with_small_buffers(), file_of(LONG)
    sending = asyncio.create_task(loop().sendfile(link.writer.transport, file))
    await link.peer.take(1024)
    link.peer.reset()
    try:
        log(await sending)
    except ConnectionError:
        log("ConnectionError")
    log(1024 <= position(file) < len(LONG))


@scenario("sendfile.cancel")
async def _():
    """Cancelled in the middle: others may write again."""
    link, file = await link_with_small_buffers(), file_of(LONG)
    sending = asyncio.create_task(send(link, file))
    await link.peer.take(1024)
    sending.cancel()
    log(await sending)
    log(call(link.writer.write, b"data"))
    link.writer.transport.abort()


@scenario("sendfile.cancel_before_it_begins")
async def _():
    """Cancelled before its first step: nothing is sent."""
    link, file = await connect(), file_of(CONTENT)
    sending = asyncio.create_task(send(link, file))
    sending.cancel()
    log(await ended(sending), position(file))
    link.writer.close()
    log(f"[{await ended(link.peer.take())}]")


@scenario("sendfile.sock")
async def _():
    """Over a socket: a whole file; the position is behind it."""
    (sock, peer), file = await pair(), file_of(CONTENT)
    taking = asyncio.create_task(peer.take())
    log(await loop().sock_sendfile(sock, file))
    sock.close()
    log(await taking == CONTENT, position(file))


@scenario("sendfile.sock_with_offset_and_count")
async def _():
    """Over a socket: a part of it."""
    (sock, peer), file = await pair(), file_of(CONTENT)
    log(await loop().sock_sendfile(sock, file, 1000, 2000))
    sock.close()
    log(await peer.take() == CONTENT[1000:3000], position(file))


@scenario("sendfile.sock_zero_size")
async def _():
    """Over a socket: an empty file."""
    (sock, peer), file = await pair(), file_of(b"")
    log(await loop().sock_sendfile(sock, file, 0, None))
    sock.close()
    log(f"[{await ended(peer.take())}]", position(file))


@scenario("sendfile.sock_mix_with_regular_send")
async def _():
    """Over a socket: between other data."""
    (sock, peer), file = await pair(4096), file_of(CONTENT)
    other = b"mix_regular_send" * (4 * 1024)
    taking = asyncio.create_task(peer.take())
    await loop().sock_sendall(sock, other)
    log(await loop().sock_sendfile(sock, file))
    await loop().sock_sendall(sock, other)
    sock.close()
    log(await taking == other + CONTENT + other, position(file))


@scenario("sendfile.sock_fallback")
async def _():
    """Over a socket: what is no regular file."""
    sock, peer = await pair()
    taking = asyncio.create_task(peer.take())
    log(await loop().sock_sendfile(sock, unseekable(CONTENT[:60000])))
    sock.close()
    log(await taking == CONTENT[:60000])


@scenario("sendfile.sock_fallback_count")
async def _():
    """Over a socket: so much of what is no regular file."""
    sock, peer = await pair()
    log(await loop().sock_sendfile(sock, unseekable(b"0123456789"), 0, 4))
    sock.close()
    log(await peer.take())


@scenario("sendfile.sock_no_fallback")
async def _():
    """Over a socket: what is no regular file is refused."""
    sock, peer = await pair()
    log(await ended(loop().sock_sendfile(sock, unseekable(b"x"), fallback=False)))
    sock.close()
    log(f"[{await ended(peer.take())}]")


@scenario("sendfile.sock_nonstream")
async def _():
    """Over a socket: datagrams are refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, file_of(CONTENT) as file:
        sock.setblocking(False)
        log(await ended(loop().sock_sendfile(sock, file)), position(file))


@scenario("sendfile.sock_cancel")
async def _():
    """Over a socket: cancelled in the middle."""
    (sock, peer), file = await pair(4096), file_of(LONG)
    sending = asyncio.create_task(loop().sock_sendfile(sock, file))
    await peer.take(1024)
    await turns(2)
    sending.cancel()
    log(await ended(sending))
    sock.close()
    log(1024 + len(await peer.take()) < len(LONG))


@scenario("sendfile.sock_peer_gone")
async def _():
    """Over a socket: a peer that goes in the middle is an error; the position is in between."""
    (sock, peer), file = await pair(4096), file_of(LONG)
    sending = asyncio.create_task(loop().sock_sendfile(sock, file))
    await peer.take(1024)
    peer.reset()
    try:
        log(await sending)
    except ConnectionError:
        log("ConnectionError")
    log(1024 <= position(file) < len(LONG))
    sock.close()


@scenario("sendfile.sock_peer_gone_before")
async def _():
    """Over a socket: a peer that has gone."""
    (sock, peer), file = await pair(), file_of(CONTENT)
    peer.reset()
    await arrival()
    try:
        log(await loop().sock_sendfile(sock, file))
    except ConnectionError:
        log("ConnectionError")
    sock.close()


if __name__ == "__main__":
    run_scenarios()
