"""Callbacks for descriptors: loop.add_reader(), add_writer() and their removal."""

import asyncio
import os
import socket

from scenario import log, run_scenarios, scenario, turns


def loop():
    return asyncio.get_running_loop()


def ends():
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    return near, far


def fill(sock):
    try:
        while True:
            sock.send(b"x" * 4096)
    except BlockingIOError:
        pass


def refusal(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}"
    return "nothing"


@scenario("descriptors.reader_callback")
async def _():
    """Called while there is something to read, until it is removed."""
    near, far = ends()
    loop().add_reader(near, lambda: log("heard", near.recv(64).decode()))
    await turns(3)
    log("nothing yet")
    far.send(b"one")
    await turns(5)
    far.send(b"two")
    await turns(5)
    log(loop().remove_reader(near))
    far.send(b"three")
    await turns(5)
    log(loop().remove_reader(near))


@scenario("descriptors.reader_level")
async def _():
    """What is not read is told again, until it is read."""
    near, far = ends()
    calls = []

    def heard():
        calls.append(None)
        if len(calls) == 3:
            log("third time", near.recv(64).decode())

    loop().add_reader(near, heard)
    far.send(b"x")
    await turns(12)
    log(len(calls))
    loop().remove_reader(near)


@scenario("descriptors.reader_existing")
async def _():
    """A second callback replaces the first, with its arguments."""
    near, far = ends()
    loop().add_reader(near, log, "first")
    await turns(2)

    def second(text):
        log(text, near.recv(64).decode())

    loop().add_reader(near, second, "second")
    far.send(b"x")
    await turns(5)
    log(loop().remove_reader(near))


@scenario("descriptors.reader_and_writer")
async def _():
    """Both directions of one descriptor, each by itself."""
    near, far = ends()
    fill(near)

    def written():
        log("writable")
        log(loop().remove_writer(near))

    loop().add_writer(near, written)
    loop().add_reader(near, lambda: log("heard", near.recv(64).decode()))
    await turns(4)
    far.send(b"x")
    await turns(4)
    while True:
        try:
            far.recv(65536)
        except BlockingIOError:
            break
    await turns(5)
    log(loop().remove_writer(near), loop().remove_reader(near))


@scenario("descriptors.removed_by_another")
async def _():
    """What was removed in the turn in which it was to be called is not called."""
    (first, say_first), (second, say_second) = ends(), ends()

    def heard():
        log("one of them")
        loop().remove_reader(first)
        loop().remove_reader(second)

    loop().add_reader(first, heard)
    loop().add_reader(second, heard)
    await turns(2)
    say_first.send(b"x")
    say_second.send(b"x")
    await turns(5)


@scenario("descriptors.reader_end")
async def _():
    """The end of the other side is something to read."""
    near, far = ends()

    def heard():
        log("end" if near.recv(64) == b"" else "data")
        loop().remove_reader(near)

    loop().add_reader(near, heard)
    await turns(2)
    far.close()
    await turns(5)


@scenario("descriptors.reader_throws")
async def _():
    """What a callback throws goes to the exception handler, and it stays."""
    near, far = ends()
    loop().set_exception_handler(lambda _, context: log("reported", str(context["exception"])))

    def heard():
        near.recv(64)
        raise RuntimeError("boom")

    loop().add_reader(near, heard)
    for _ in range(2):
        far.send(b"x")
        await turns(4)
    log(loop().remove_reader(near))
    loop().set_exception_handler(None)


@scenario("descriptors.remove_unknown")
async def _():
    """Nothing to remove."""
    near, _ = ends()
    log(loop().remove_reader(near), loop().remove_writer(near))
    loop().add_reader(near, log)
    log(loop().remove_writer(near))
    log(loop().remove_reader(near))


@scenario("descriptors.invalid")
async def _():
    """What cannot be waited for is refused."""
    log(refusal(lambda: loop().add_reader(-1, log)).replace("ValueError", "invalid argument"))
    near, _ = ends()
    log(refusal(lambda: loop().remove_reader(near)))
    with open(os.devnull, "rb") as device, open(__file__, "rb") as file:
        log(refusal(lambda: loop().add_reader(device, log)) != "")
        log(refusal(lambda: loop().add_reader(file, log)).replace("PermissionError", "not permitted"))
        loop().remove_reader(device)


if __name__ == "__main__":
    run_scenarios()
