"""What the drivers of several examples need."""

import collections
import contextlib
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

PROGRAM = pathlib.Path(sys.argv[1])
PAGES = pathlib.Path(__file__).parent.parent / "pages"
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


def preview(text: str) -> str:
    """The preview of a page, as preview.hpp prints it."""
    lines = [line for line in text.splitlines() if line]
    return "-" * 80 + "\n" + "".join(line + "\n" for line in lines[:3]) + "\n"


def own_pages(scheme: str) -> None:
    """The program without arguments previews the pages of its own server, and says how fast."""
    result = run()
    check(result.returncode == 0 and result.stderr == "", result.stderr)
    total = 0
    for page in PAGES.iterdir():
        content = page.read_bytes()
        total += len(content)
        wanted = rf"{scheme}://127\.0\.0\.1:\d+/{re.escape(page.name)}: {len(content)} bytes\n"
        wanted = re.escape(preview(content.decode())) + wanted
        found = len(re.findall(wanted, result.stdout))
        check(found == 1, f"{page.name}: {found} previews in\n{result.stdout}")
    count = len(list(PAGES.iterdir()))
    check(f"\n{count} pages, {total} bytes\n" in result.stdout, result.stdout)
    for line in (
        r"one after another: +\d+\.\d{3} s",
        r"concurrently: +\d+\.\d{3} s, \d+\.\d times as fast",
    ):
        check(re.search(rf"(?m)^{line}$", result.stdout) is not None, result.stdout)


def eighty_pages(scheme: str) -> None:
    """The program reads each page ten times, in whatever order, and says so."""
    result = run()
    check(result.returncode == 0 and result.stderr == "", result.stderr)
    *lines, last = result.stdout.splitlines()
    read = collections.Counter(
        re.sub(rf" from {scheme}://127\.0\.0\.1:\d+/", " from ", line) for line in lines
    )
    wanted = {f"Read {page.stat().st_size} from {page.name}": 10 for page in PAGES.iterdir()}
    check(read == wanted, result.stdout)
    check(re.fullmatch(r"Downloaded 80 in \d+\.\d{3} seconds", last) is not None, last)
    print("80 pages by", scheme)
