"""What the drivers of several examples need."""

import contextlib
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

PROGRAM = pathlib.Path(sys.argv[1])
SECONDS = 60


def check(condition: bool, what: str) -> None:
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


@contextlib.contextmanager
def serving(program: pathlib.Path, *arguments: str) -> Iterator[int]:
    """Starts a server and gives its port; at the end Ctrl-C must end it, as a death by SIGINT."""
    with subprocess.Popen(
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        try:
            line = process.stdout.readline()
            match = re.search(r":(\d+)/?$", line.strip())
            check(match is not None, f"the server said '{line}'")
            assert match
            yield int(match[1])
            process.send_signal(signal.SIGINT)
            status = process.wait(SECONDS)
            errors = process.stderr.read()
        finally:
            process.kill()
    check(status == -signal.SIGINT, f"the server ended with {status}: {errors}")
    check(errors == "", f"the server complained: {errors}")


def main(*tests: Callable[[], None]) -> None:
    for test in tests:
        test()
        print("ok:", test.__name__)
