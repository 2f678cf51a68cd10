"""What the drivers of the recipes need: a real server, in a folder of its own, ended by its pid."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

sys.path.append(str(pathlib.Path(__file__).parent.parent / "drive"))

from support import PROGRAM, SECONDS, check, main  # noqa: E402, F401

SKIPPED = 77


def find(package: str, *names: str) -> str:
    """The first of these programs that is there; without one the test is skipped."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    print(f"skipped: there is no {names[0]}: apt-get install {package}")
    sys.exit(SKIPPED)


@contextlib.contextmanager
def folder(owner: str | None = None) -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="ringio-") as name:
        if owner:
            shutil.chown(name, owner)
        yield pathlib.Path(name)


def loopback() -> str:
    """An address at which nobody else listens: all of 127/8 is this machine."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 14) % 255}.{pid >> 7 & 127}.{1 + (pid & 127)}"


def answers(family: int, address: object) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        try:
            client.connect(address)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def serving(
    command: Sequence[object], is_up: Callable[[], bool], log: pathlib.Path, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server, and comes back when it is up. It is ended with the block."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **options,
        )
    try:
        end = time.monotonic() + SECONDS
        while not is_up():
            alive = server.poll() is None and time.monotonic() < end
            check(alive, f"{command[0]} does not come up: {log.read_text(errors='replace')}")
            time.sleep(0.01)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(SECONDS)
        finally:
            server.kill()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *(str(argument) for argument in arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def check_output(result: subprocess.CompletedProcess[str], expected: str) -> None:
    check(result.returncode == 0, f"status {result.returncode}: {result.stdout}{result.stderr}")
    check(result.stderr == "", f"the program complained: {result.stderr}")
    check(result.stdout == expected, f"the output differs:\n{result.stdout}\nexpected:\n{expected}")


@contextlib.contextmanager
def redis(folder: pathlib.Path, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis server. Debian has it twice: in redis-tools it is called redis-check-rdb."""
    program = find("redis-tools", "redis-server", "redis-check-rdb")
    command = ["redis-server", "--bind", host, "--port", port, "--dir", folder, "--save", ""]
    with serving(
        command, lambda: answers(socket.AF_INET, (host, port)), folder / "log", executable=program
    ) as server:
        yield server
