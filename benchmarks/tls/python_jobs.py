"""The jobs of limit.c on asyncio's streams."""

import asyncio
import ssl
import sys
import time


async def give_a_byte(reader, writer):
    writer.write(b"x")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def say_nothing(reader, writer):
    writer.transport.abort()


async def take_all(reader, writer):
    while await reader.read(256 * 1024):
        pass
    writer.close()


async def shake_hands(port, context, resumed):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context,
                                                   server_hostname="localhost")
    if resumed:
        await reader.read(1)
    writer.transport.abort()


async def handshakes(server_context, client_context, count, resumed):
    handler = give_a_byte if resumed else say_nothing
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    await shake_hands(port, client_context, resumed)
    clocks = start()
    for _ in range(count):
        await shake_hands(port, client_context, resumed)
    finish(clocks, count)


async def bulk(server_context, client_context, mebibytes, size):
    server = await asyncio.start_server(take_all, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context,
                                                   server_hostname="localhost")
    piece = b"x" * size
    clocks = start()
    for _ in range((mebibytes << 20) // size):
        writer.write(piece)
        await writer.drain()
    writer.close()
    await writer.wait_closed()
    finish(clocks, mebibytes)


def start():
    return time.monotonic(), time.process_time()


def finish(clocks, operations):
    wall, cpu = clocks
    print(f'{{"operations": {operations}, "seconds": {time.monotonic() - wall:.9f}, '
          f'"cpu_seconds": {time.process_time() - cpu:.9f}}}')


def main():
    certificate, key, job, count = sys.argv[1:5]
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=certificate)
    if job == "bulk":
        asyncio.run(bulk(server_context, client_context, int(count), int(sys.argv[5])))
    else:
        asyncio.run(handshakes(server_context, client_context, int(count), job == "resumed"))


main()
