"""Connections and servers at the path of a Unix socket."""

import asyncio
import os
import pathlib
import socket
import tempfile

from scenario import call, ended, kind, log, run_scenarios, scenario, turns


def directory_of_its_own():
    return tempfile.TemporaryDirectory(prefix="ringio-")


async def echo(reader, writer):
    """Answers lines until there are no more."""
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


def left_at(path, type=socket.SOCK_STREAM):
    """A socket that is bound to a path."""
    sock = socket.socket(socket.AF_UNIX, type)
    sock.bind(path)
    return sock


async def asked(path, line="hello\n"):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line.encode())
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def stop(server):
    server.close()
    await server.wait_closed()


async def refusal(awaitable):
    """The type of what it raises."""
    try:
        await awaitable
    except Exception as exception:
        return kind(exception)
    return "nothing"


@scenario("unix.echo")
async def _():
    """A server at a path, and a connection to it."""
    with directory_of_its_own() as directory:
        server = await asyncio.start_unix_server(echo, directory + "/socket")
        reader, writer = await asyncio.open_unix_connection(directory + "/socket")
        for line in b"one\n", b"two\n":
            writer.write(line)
            await writer.drain()
            log(await reader.readline())
        writer.write(b"three")
        writer.write_eof()
        log(await reader.read(), reader.at_eof())
        writer.close()
        log(await ended(writer.wait_closed()))
        await stop(server)


@scenario("unix.path_objects")
async def _():
    """A path may be an object of the type for paths."""
    with directory_of_its_own() as directory:
        path = pathlib.Path(directory + "/socket")
        server = await asyncio.start_unix_server(echo, path)
        log(await asked(path))
        await stop(server)


@scenario("unix.connect_errors")
async def _():
    """No such path, nobody who listens there, and no socket."""
    with directory_of_its_own() as directory:
        log(await ended(asyncio.open_unix_connection(directory + "/none")))
        left_at(directory + "/left").close()
        log(await ended(asyncio.open_unix_connection(directory + "/left")))
        with open(directory + "/file", "w"):
            log(await ended(asyncio.open_unix_connection(directory + "/file")))


@scenario("unix.stale_socket")
async def _():
    """A socket that was left at the path is replaced."""
    with directory_of_its_own() as directory:
        left_at(directory + "/socket").close()
        server = await asyncio.start_unix_server(echo, directory + "/socket")
        log(await asked(directory + "/socket"))
        await stop(server)


@scenario("unix.file_at_the_path")
async def _():
    """What is no socket stays, and the address is in use."""
    with directory_of_its_own() as directory:
        with open(directory + "/file", "w") as file:
            file.write("content")
        log(await ended(asyncio.start_unix_server(echo, directory + "/file")))
        with open(directory + "/file") as file:
            log(file.read())


@scenario("unix.bind_errors")
async def _():
    """A directory that there is not, and one in the place of a socket."""
    with directory_of_its_own() as directory:
        log(await ended(asyncio.start_unix_server(echo, directory + "/none/socket")))
        log(await ended(asyncio.start_unix_server(echo, directory)))


@scenario("unix.contradictions")
async def _():
    """A path and a socket exclude each other, and one must be there."""
    near, far = socket.socketpair()
    log(await refusal(asyncio.open_unix_connection("/tmp/x", sock=near)))
    log(await refusal(asyncio.start_unix_server(echo, "/tmp/x", sock=far)))
    log(await refusal(asyncio.open_unix_connection()))
    log(await refusal(asyncio.start_unix_server(echo)))
    log(near.fileno() >= 0, far.fileno() >= 0)


@scenario("unix.other_sockets")
async def _():
    """Sockets of other kinds are refused, and stay the caller's."""
    with directory_of_its_own() as directory:
        for sock in (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            left_at(directory + "/datagrams", socket.SOCK_DGRAM),
        ):
            log(await refusal(asyncio.start_unix_server(echo, sock=sock)))
            log(await refusal(asyncio.open_unix_connection(sock=sock)))
            log(sock.fileno() >= 0)


@scenario("unix.given_sockets")
async def _():
    """A server and a connection of sockets that exist, be they non-blocking."""
    with directory_of_its_own() as directory:
        sock = left_at(directory + "/socket")
        sock.setblocking(False)
        server = await asyncio.start_unix_server(echo, sock=sock)
        near = socket.socket(socket.AF_UNIX)
        near.connect(directory + "/socket")
        reader, writer = await asyncio.open_unix_connection(sock=near)
        writer.write(b"hello\n")
        log(await reader.readline())
        writer.close()
        await writer.wait_closed()
        await stop(server)


@scenario("unix.abstract")
async def _():
    """An abstract name is in no directory, and no two servers have the same."""
    name = f"\0ringio-conformance-{os.getpid()}"
    server = await asyncio.start_unix_server(echo, name)
    log(await asked(name))
    log(await ended(asyncio.start_unix_server(echo, name)))
    await stop(server)
    log(await ended(asyncio.open_unix_connection(name)))


@scenario("unix.addresses")
async def _():
    """The server has its path; who connects has none."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        seen = []

        async def look(reader, writer):
            seen.append(writer.get_extra_info("peername") == "")
            seen.append(writer.get_extra_info("sockname") == path)
            writer.close()

        server = await asyncio.start_unix_server(look, path)
        log(server.sockets[0].getsockname() == path)
        reader, writer = await asyncio.open_unix_connection(path)
        log(await reader.read() == b"", seen)
        log(writer.get_extra_info("peername") == path, writer.get_extra_info("sockname") == "")
        writer.close()
        await stop(server)


@scenario("unix.much")
async def _():
    """More than the kernel keeps, both ways at once."""
    with directory_of_its_own() as directory:
        server = await asyncio.start_unix_server(echo, directory + "/socket")
        reader, writer = await asyncio.open_unix_connection(directory + "/socket")
        line = b"x" * 999 + b"\n"

        async def send():
            for _ in range(2000):
                writer.write(line)
                await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        count = 0
        while await reader.readline() == line:
            count += 1
        log(count, await ended(sending))
        writer.close()
        await stop(server)


@scenario("unix.start_serving")
async def _():
    """start_serving=False: connections are refused until it serves."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        server = await asyncio.start_unix_server(echo, path, start_serving=False)
        log(server.is_serving())
        await server.start_serving()
        log(server.is_serving(), await asked(path))
        await stop(server)
        log(server.is_serving(), len(server.sockets))


@scenario("unix.peer_goes")
async def _():
    """What is written to a peer that has gone fails."""
    with directory_of_its_own() as directory:

        async def leave(reader, writer):
            writer.write(b"bye")
            writer.close()

        server = await asyncio.start_unix_server(leave, directory + "/socket")
        reader, writer = await asyncio.open_unix_connection(directory + "/socket")
        log(await reader.read())
        writer.write(b"x")
        await turns(10)
        writer.write(b"x")
        await turns(10)
        log(await refusal(writer.drain()))
        writer.close()
        await stop(server)


@scenario("unix.zero_in_the_path")
async def _():
    """A path with a zero byte in it is refused."""
    log(await refusal(asyncio.start_unix_server(echo, "/tmp/a\0b")))


@scenario("unix.cleanup", since=(3, 13))
async def _():
    """The path goes when the server is closed, for another server to come."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        for _ in range(2):
            server = await asyncio.start_unix_server(echo, path)
            log(os.path.exists(path), await asked(path))
            server.close()
            log(os.path.exists(path))
            await server.wait_closed()


@scenario("unix.cleanup_of_a_given_socket", since=(3, 13))
async def _():
    """So does the one to which a given socket is bound."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        server = await asyncio.start_unix_server(echo, sock=left_at(path))
        log(os.path.exists(path))
        server.close()
        log(os.path.exists(path))
        await server.wait_closed()


@scenario("unix.cleanup_gone", since=(3, 13))
async def _():
    """That the path is gone by then is no error."""
    with directory_of_its_own() as directory:
        server = await asyncio.start_unix_server(echo, directory + "/socket")
        os.unlink(directory + "/socket")
        log(call(server.close), os.path.exists(directory + "/socket"))
        await server.wait_closed()


@scenario("unix.cleanup_replaced", since=(3, 13))
async def _():
    """A path that is another server's by then stays."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        first = await asyncio.start_unix_server(echo, path)
        second = await asyncio.start_unix_server(echo, path)
        await stop(first)
        log(os.path.exists(path), await asked(path))
        await stop(second)
        log(os.path.exists(path))


@scenario("unix.cleanup_prevented", since=(3, 13))
async def _():
    """The path stays if that is asked for."""
    with directory_of_its_own() as directory:
        path = directory + "/socket"
        server = await asyncio.start_unix_server(echo, path, cleanup_socket=False)
        await stop(server)
        log(os.path.exists(path))


if __name__ == "__main__":
    run_scenarios()
