"""The echo server in Python: asyncio or uvloop, streams or a protocol."""

import argparse
import asyncio
import ctypes
import resource

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


class EchoProtocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def keep_memory() -> None:
    """Keeps glibc from giving back the 256 KiB that asyncio allocates for every recv, and getting
    them again: a quarter of the CPU time per request remains."""
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, 4 << 20)
    libc.mallopt(M_TRIM_THRESHOLD, 16 << 20)


async def serve_at(api: str, path: str) -> None:
    if api == "protocol":
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(EchoProtocol, path, backlog=4096)
    else:
        server = await asyncio.start_unix_server(echo, path, backlog=4096)
    print("listening", path, flush=True)
    await server.serve_forever()


async def serve(api: str, port: int) -> None:
    if api == "protocol":
        loop = asyncio.get_running_loop()
        server = await loop.create_server(EchoProtocol, "127.0.0.1", port, backlog=4096)
    else:
        server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=4096)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", choices=("streams", "protocol"), default="streams")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix", metavar="PATH")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    keep_memory()
    if options.loop == "uvloop":
        import uvloop
        uvloop.install()
    asyncio.run(serve_at(options.api, options.unix) if options.unix else
                serve(options.api, options.port))


if __name__ == "__main__":
    main()
