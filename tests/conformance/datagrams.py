"""Datagrams: loop.create_datagram_endpoint(), sock_sendto() and its like; names."""

import asyncio
import errno
import os
import socket
import tempfile

from scenario import log, run_scenarios, scenario, turns

LOOPBACK = "127.0.0.1"


def loop():
    return asyncio.get_running_loop()


class Endpoint(asyncio.DatagramProtocol):
    """What ringio's DatagramEndpoint is, made of asyncio's protocol and transport."""

    def __init__(self):
        self.news = asyncio.Queue()
        self.lost = loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.news.put_nowait((data.decode(), address))

    def error_received(self, error):
        self.news.put_nowait(error)

    def connection_lost(self, _):
        self.lost.set_result(None)

    async def recv(self):
        news = await self.news.get()
        if isinstance(news, Exception):
            raise news
        return news

    def send(self, text, address=None):
        self.transport.sendto(text.encode(), address)

    def own(self):
        return self.transport.get_extra_info("sockname")

    async def close(self):
        self.transport.close()
        await self.lost


async def endpoint(**options):
    return (await loop().create_datagram_endpoint(Endpoint, **options))[1]


async def heard(receiver):
    """What comes, or that nothing does, or the error."""
    try:
        return "[" + (await asyncio.wait_for(receiver.recv(), 1))[0] + "]"
    except asyncio.TimeoutError:
        return "nothing"
    except OSError as error:
        return errno.errorcode[error.errno]


def bound():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((LOOPBACK, 0))
    sock.settimeout(5)
    return sock


def silent():
    """An address at which nobody receives."""
    with bound() as sock:
        return sock.getsockname()


async def refusal(**options):
    try:
        await (await endpoint(**options)).close()
    except ValueError as error:
        return f"ValueError {str(error).partition(' (')[0]}"
    except OSError as error:
        return errno.errorcode[error.errno]
    return "nothing"


@scenario("datagrams.echo")
async def _():
    """A question and its answer, each from whom it is."""
    server = await endpoint(local_addr=(LOOPBACK, 0))
    client = await endpoint(remote_addr=server.own())
    client.send("question")
    text, address = await server.recv()
    log(text, address == client.own())
    server.send("answer", address)
    text, address = await client.recv()
    log(text, address == server.own())
    await client.close()
    await server.close()


@scenario("datagrams.ipv6")
async def _():
    """The same over IPv6."""
    server = await endpoint(local_addr=("::1", 0))
    client = await endpoint(remote_addr=server.own()[:2])
    client.send("question")
    text, address = await server.recv()
    log(text, address[0])
    await client.close()
    await server.close()


@scenario("datagrams.empty")
async def _():
    """A datagram without a byte is one."""
    server = await endpoint(local_addr=(LOOPBACK, 0))
    with bound() as peer:
        peer.sendto(b"", server.own())
        peer.sendto(b"x", server.own())
    log(await heard(server), await heard(server))
    await server.close()


@scenario("datagrams.local_and_remote")
async def _():
    """With a remote address nobody else is heard; an own one makes no difference to that."""
    with bound() as peer, bound() as stranger:
        both = await endpoint(local_addr=(LOOPBACK, 0), remote_addr=peer.getsockname())
        both.send("once")
        log(peer.recv(64).decode())
        stranger.sendto(b"a stranger's", both.own())
        peer.sendto(b"mine", both.own())
        log(await heard(both), await heard(both))
        await both.close()


@scenario("datagrams.other_address")
async def _():
    """With a remote address, no other may be sent to."""
    with bound() as peer, bound() as stranger:
        client = await endpoint(remote_addr=peer.getsockname())
        client.send("to the one", peer.getsockname())
        log(peer.recv(64).decode())
        try:
            client.send("to another", stranger.getsockname())
        except ValueError as error:
            log(str(error).partition(" or ")[0])
        await client.close()


@scenario("datagrams.refused")
async def _():
    """That nobody is there is told once, and the endpoint goes on."""
    remote = silent()
    client = await endpoint(remote_addr=remote)
    client.send("anybody?")
    log(await heard(client), await heard(client))
    with bound() as _:
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(remote)
        peer.sendto(b"here", client.own())
        log(await heard(client))
        peer.close()
    await client.close()


@scenario("datagrams.non_listening")
async def _():
    """Without a remote address nobody is told that nobody is there."""
    client = await endpoint(local_addr=(LOOPBACK, 0))
    client.send("anybody?", silent())
    log(await heard(client))
    await client.close()


@scenario("datagrams.too_long")
async def _():
    """What the kernel does not send is told to who receives."""
    with bound() as peer:
        client = await endpoint(remote_addr=peer.getsockname())
        client.send("x" * 65508)
        log(await heard(client))
        client.send("short")
        log(peer.recv(64).decode())
        await client.close()


@scenario("datagrams.allow_broadcast")
async def _():
    """One that may send to all is not connected, and hears everybody."""
    with bound() as peer, bound() as stranger:
        client = await endpoint(
            local_addr=(LOOPBACK, 0), remote_addr=peer.getsockname(), allow_broadcast=True
        )
        client.send("x")
        log(peer.recv(64).decode())
        stranger.sendto(b"from anybody", client.own())
        log(await heard(client))
        try:
            client.send("to another", stranger.getsockname())
        except ValueError as error:
            log(str(error).partition(" or ")[0])
        await client.close()


def unix_pair():
    """Two sockets, the first connected to the second, which has a name: without one, asyncio
    does not take the first for connected."""
    near, far = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    far.bind("")
    near.connect(far.getsockname())
    return near, far


async def full_pair():
    """An endpoint whose peer has not read, the peer, and how many datagrams were sent."""
    near, far = unix_pair()
    far.setblocking(False)
    client = await endpoint(sock=near)
    count = 0
    while client.transport.get_write_buffer_size() == 0:
        client.send(f"{count}")
        count += 1
    return client, far, count


async def take_all(peer, ended):
    """How many came, in their order, until the other side was closed."""
    count = 0
    while True:
        try:
            if peer.recv(64).decode() != f"{count}":
                return "out of order"
            count += 1
        except BlockingIOError:
            if ended.done():
                return count
            await asyncio.sleep(0)


@scenario("datagrams.close_flushes")
async def _():
    """What waits when it is closed is sent first."""
    client, peer, count = await full_pair()
    client.transport.close()
    log(await take_all(peer, client.lost) == count)


@scenario("datagrams.abort_drops")
async def _():
    """What waits when it is aborted is not."""
    client, peer, count = await full_pair()
    client.transport.abort()
    await client.lost
    log(await take_all(peer, client.lost) == count - 1)


@scenario("datagrams.send_after_close")
async def _():
    """What is sent to a closed one is dropped, without a word."""
    with bound() as peer:
        client = await endpoint(remote_addr=peer.getsockname())
        await client.close()
        log(client.transport.is_closing())
        client.transport.close()


@scenario("datagrams.no_address")
async def _():
    """Neither an address nor a family; two families."""
    log(await refusal())
    log(await refusal(local_addr=(LOOPBACK, 0), remote_addr=("::1", 1)))
    log(await refusal(family=socket.AF_INET))


@scenario("datagrams.cannot_bind")
async def _():
    """An address that is in use, or another host's."""
    with bound() as sock:
        log(await refusal(local_addr=sock.getsockname()))
    log(await refusal(local_addr=("192.0.2.1", 0)))


@scenario("datagrams.cannot_connect")
async def _():
    """A broadcast address without the permission."""
    log(await refusal(remote_addr=("255.255.255.255", 9)))


@scenario("datagrams.reuse_port")
async def _():
    """Several may have one port that all of them share."""
    first = await endpoint(local_addr=(LOOPBACK, 0), reuse_port=True)
    second = await endpoint(local_addr=first.own(), reuse_port=True)
    log(first.own() == second.own())
    await first.close()
    await second.close()


@scenario("datagrams.sock")
async def _():
    """A socket that exists already, connected or not."""
    near, far = unix_pair()
    client = await endpoint(sock=near)
    client.send("x")
    log(far.recv(64).decode())
    await client.close()
    free = bound()
    own = free.getsockname()
    client = await endpoint(sock=free)
    log(client.own() == own)
    await client.close()


@scenario("datagrams.sock_options")
async def _():
    """A socket comes with no other options, and is none of streams."""
    with bound() as sock:
        log(await refusal(sock=sock, local_addr=(LOOPBACK, 0)))
        log(await refusal(sock=sock, family=socket.AF_INET))
        log(await refusal(sock=sock, reuse_port=True))
        log(await refusal(sock=sock, allow_broadcast=True))
    with socket.socket() as sock:
        log((await refusal(sock=sock)).partition(" ")[0])


@scenario("datagrams.unix")
async def _():
    """Unix sockets have paths; what was left over at one is removed, a file is not."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
            left.bind(path)
        server = await endpoint(local_addr=path, family=socket.AF_UNIX)
        client = await endpoint(remote_addr=path, family=socket.AF_UNIX)
        client.send("x")
        log(await heard(server))
        await client.close()
        await server.close()
        os.path.exists(path) and os.remove(path)
        with open(path, "w"):
            pass
        log(await refusal(local_addr=path, family=socket.AF_UNIX))


@scenario("datagrams.sock_recvfrom")
async def _():
    """A socket sends to an address, and receives from whom it is."""
    with bound() as first, bound() as second:
        first.setblocking(False)
        second.setblocking(False)
        receiving = asyncio.create_task(loop().sock_recvfrom(first, 64))
        await turns(3)
        log(await loop().sock_sendto(second, b"hello", first.getsockname()))
        data, address = await receiving
        log(data.decode(), address == second.getsockname())
        await loop().sock_sendto(second, b"world", first.getsockname())
        buffer = bytearray(64)
        size, address = await loop().sock_recvfrom_into(first, buffer)
        log(buffer[:size].decode(), address == second.getsockname())


@scenario("datagrams.sock_non_listening")
async def _():
    """A socket is not told that nobody is there."""
    with bound() as sock:
        sock.setblocking(False)
        log(await loop().sock_sendto(sock, b"x", silent()))
        try:
            await asyncio.wait_for(loop().sock_recvfrom(sock, 64), 1)
        except asyncio.TimeoutError:
            log("nothing")


@scenario("datagrams.getaddrinfo")
async def _():
    """Literals, each with the types that there are, or that are asked for."""
    for host in (LOOPBACK, "::1", None):
        for kind in (0, socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for found in await loop().getaddrinfo(host, 80, type=kind, flags=socket.AI_PASSIVE):
                family, kind_found, proto, canonname, address = found
                log(host, int(family), int(kind_found), proto, f"[{canonname}]", address[0], address[1])
    (found,) = await loop().getaddrinfo(
        LOOPBACK, "80", type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME
    )
    log(found[3], found[4][1])


async def gaierror(awaitable):
    try:
        await awaitable
    except socket.gaierror as error:
        return error.errno
    return "none"


@scenario("datagrams.getaddrinfo_errors")
async def _():
    """What cannot be found, by the numbers of the C library."""
    log(await gaierror(loop().getaddrinfo(LOOPBACK, "no such service")))
    log(await gaierror(loop().getaddrinfo(LOOPBACK, 80, family=socket.AF_INET6)))
    log(await gaierror(loop().getaddrinfo(LOOPBACK, 80, type=77)))
    log(await gaierror(loop().getaddrinfo(None, None)))
    log(await gaierror(loop().getaddrinfo("a host", 80, flags=socket.AI_NUMERICHOST)))


@scenario("datagrams.getnameinfo")
async def _():
    """What an address is called, in numbers."""
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    for address in ((LOOPBACK, 80), ("::1", 8080)):
        log(*await loop().getnameinfo(address, numeric))
    log(await gaierror(loop().getnameinfo(("192.0.2.1", 80), numeric | socket.NI_NAMEREQD)))


if __name__ == "__main__":
    run_scenarios()
