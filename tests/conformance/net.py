"""What the scenarios of connections share: one end is asyncio's, the other a plain socket.

net.hpp has the same words.
"""

import asyncio
import socket
import struct

from scenario import ended, turns


class Peer:
    """The other end of a connection."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data.encode())

    def end(self):
        """Ends what it sends; it may go on receiving."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    async def take(self, size=1 << 30):
        """Takes so many bytes, or all to the end."""
        data = bytearray()  # bytes would be copied for each part
        while len(data) < size:
            try:
                part = self.sock.recv(min(size - len(data), 1 << 16), socket.MSG_DONTWAIT)
            except BlockingIOError:
                await asyncio.sleep(0)
                continue
            if not part:
                break
            data += part
        return bytes(data)


class Link:
    """A connection, and its other end."""

    def __init__(self, connection, peer):
        self.reader, self.writer = connection
        self.peer = Peer(peer)


async def connect(limit=65536, buffer=None):
    """Makes a link; `buffer`: how much the kernel keeps for the peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection = await asyncio.open_connection(*listener.getsockname(), limit=limit)
        return Link(connection, listener.accept()[0])


def client(server):
    """A plain socket that is connected to a server."""
    return Peer(socket.create_connection(server.sockets[0].getsockname()))


async def got(awaitable):
    """What a read gave, in brackets, or the error."""
    return f"[{await ended(awaitable)}]"


async def arrival():
    """Lets what is on its way arrive."""
    await turns(10)


async def connected(server):
    """A reader and a writer that are connected to a server."""
    return await asyncio.open_connection(*server.sockets[0].getsockname())
