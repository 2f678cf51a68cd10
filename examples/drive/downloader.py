"""The images of its own; then a server that breaks off, changes its files, has no tags: with Ctrl-C
between, with checksums, and on a terminal."""

import fcntl
import hashlib
import http.server
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios
import threading

import support

EXPECTED = pathlib.Path(__file__).parent.parent / "expected" / "downloader.txt"
FILE = bytes(range(256)) * 400
SUM = hashlib.sha256(FILE).hexdigest()


class Site(http.server.BaseHTTPRequestHandler):
    """Serves FILE under any name; what it does else is in the server's attributes."""

    def do_GET(self) -> None:
        site = self.server
        site.heard.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        if self.path == "/missing":
            self.send_error(404)
            return
        begin = self.begin()
        if begin is not None and begin >= len(FILE):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(FILE)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if begin is None else 206)
        if begin is not None:
            self.send_header("Content-Range", f"bytes {begin}-{len(FILE) - 1}/{len(FILE)}")
        for name, value in site.tags.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(FILE) - (begin or 0)))
        self.end_headers()
        self.wfile.write(FILE[begin or 0 : site.most])
        self.wfile.flush()
        if site.waits:
            site.is_over.wait(support.SECONDS)

    def begin(self) -> "int | None":
        """Where the part that is asked for begins; None: all is to be sent."""
        if not self.headers["Range"] or self.headers["If-Range"] not in self.server.tags.values():
            return None
        match = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])
        support.check(match is not None, self.headers["Range"])
        assert match
        return int(match[1])

    def log_message(self, *_: object) -> None:
        pass


class Serving:
    def __init__(self) -> None:
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        self.server.daemon_threads = True
        self.server.heard = []
        self.server.is_over = threading.Event()
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.behave()

    def behave(self, tag: "str | None" = '"one"', most: "int | None" = None, waits: bool = False) -> None:
        self.server.tags = {} if tag is None else {"Last-Modified" if "GMT" in tag else "ETag": tag}
        self.server.most = most
        self.server.waits = waits
        self.server.heard.clear()

    def __enter__(self) -> "Serving":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.is_over.set()
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def command(self, *arguments: str) -> list:
        return [support.PROGRAM, "-o", self.path, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return support.run("-o", str(self.path), *arguments)

    def files(self) -> dict:
        return {path.name: path.read_bytes() for path in self.path.iterdir()}


def own_images() -> None:
    result = support.run()
    support.check(result.returncode == 0 and result.stderr == "", result.stderr)
    support.check(result.stdout == EXPECTED.read_text(encoding="utf-8"), result.stdout)


def goes_on() -> None:
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    for tag, later, begin in (
        ('"one"', '"one"', 1000),
        (date, date, 1000),
        ('"one"', '"two"', None),  # the file has changed
        (None, None, None),  # nobody knows whether it has
        ('W/"one"', 'W/"one"', None),
    ):
        with Serving() as site:
            site.behave(tag, most=1000)
            cut = site.run(site.url("a"))
            support.check(cut.returncode == 1, f"status {cut.returncode}")
            support.check("a: FAILED: the answer ended after 1000 of 102400" in cut.stdout, cut.stdout)
            support.check(site.files()["a.part"] == FILE[:1000], "another part")
            site.behave(later)
            rest = site.run(site.url("a"))
            support.check(rest.returncode == 0 and rest.stderr == "", rest.stdout)
            support.check(site.files() == {"a": FILE}, f"{site.files().keys()}")
            before = "" if begin is None else ", 1000 of them from before"
            support.check(rest.stdout == f"a: 102400 bytes{before}\n", rest.stdout)
            asks = tag is not None and not tag.startswith("W/")
            heard = ("/a", "bytes=1000-", tag) if asks else ("/a", None, None)
            support.check(site.server.heard == [heard], str(site.server.heard))


def part_that_is_all() -> None:
    """Ended after the last byte, before it got its name; and one that is longer than the file."""
    for part, answer in ((FILE, "102400 of them from before"), (FILE + b"x", "a: 102400 bytes\n")):
        with Serving() as site:
            (site.path / "a.part").write_bytes(part)
            (site.path / "a.part.tag").write_text('"one"')
            result = site.run(site.url("a"))
            support.check(result.returncode == 0 and answer in result.stdout, result.stdout)
            support.check(site.files() == {"a": FILE}, f"{site.files().keys()}")


def ctrl_c() -> None:
    with Serving() as site:
        site.behave(most=5000, waits=True)
        with subprocess.Popen(
            site.command(site.url("a"), site.url("b")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            parts = [site.path / "a.part", site.path / "b.part"]
            while not all(part.exists() and part.stat().st_size == 5000 for part in parts):
                support.check(process.poll() is None, "it ended")
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=support.SECONDS)
        support.check(process.returncode == -signal.SIGINT, f"{process.returncode}: {errors}")
        support.check(out == "" and "what came is kept" in errors, out + errors)
        site.behave()
        rest = site.run(site.url("a"), site.url("b"))
        support.check(rest.stdout.count(", 5000 of them from before\n") == 2, rest.stdout)
        support.check(site.files() == {"a": FILE, "b": FILE}, f"{site.files().keys()}")


def sums() -> None:
    with Serving() as site:
        wrong = "0" * 64
        listed = site.path / "SUMS"
        listed.write_text(f"# of today\n{SUM}  ./a\n{wrong} *b\n\n{SUM.upper()}  c d\n")
        urls = [site.url(name) for name in ("a", "b", "c%20d?x=/y#z", "e")]
        result = site.run("--checksums", str(listed), *urls)
        support.check(result.returncode == 1, f"status {result.returncode}")
        support.check(
            result.stdout
            == "a: 102400 bytes, checksum ok\n"
            f"b: FAILED: its SHA-256 is {SUM}, not {wrong}\n"
            "c d: 102400 bytes, checksum ok\n"
            "e: 102400 bytes\n",
            result.stdout,
        )
        listed.unlink()
        support.check(site.files() == {name: FILE for name in ("a", "c d", "e")}, "other files")
        site.behave()
        again = site.run("--sha256", SUM, site.url("a"))
        support.check(again.stdout == "a: was there, checksum ok\n", again.stdout)
        support.check(site.server.heard == [], "it asked for what it had")
        (site.path / "a").write_bytes(b"old")
        anew = site.run("--sha256", SUM, site.url("a"))
        support.check(anew.stdout == "a: 102400 bytes, checksum ok\n", anew.stdout)


def errors() -> None:
    with Serving() as site:
        result = site.run("-j", "1", site.url("missing"), site.url(""), "nothing/n", "http://a:0/b")
        support.check(result.returncode == 1, f"status {result.returncode}")
        begins = (
            "missing: FAILED: 404, ",
            "index.html: 102400 bytes",
            "n: FAILED: 'nothing/n': ",
            "b: FAILED: 'http://a:0/b': ",
        )
        lines = result.stdout.splitlines()
        support.check(len(lines) == len(begins), result.stdout)
        for line, begin in zip(lines, begins):
            support.check(line.startswith(begin), line)
        support.check(site.files() == {"index.html": FILE}, f"{site.files().keys()}")


def all_that_is_shown(terminal: int) -> bytes:
    shown = b""
    with open(terminal, "rb", buffering=0) as screen:
        while True:
            try:
                more = screen.read(65536)
            except OSError:  # EIO: nobody has the other side open
                return shown
            if not more:
                return shown
            shown += more


def terminal() -> None:
    with Serving() as site:
        screen, side_of_program = pty.openpty()
        fcntl.ioctl(side_of_program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        with subprocess.Popen(site.command(site.url("a")), stdout=side_of_program) as process:
            os.close(side_of_program)
            shown = all_that_is_shown(screen)
            support.check(process.wait(support.SECONDS) == 0, "it failed")
        bar = rb"\ra {24} *\d+% \[#* *\] +[\d.]+ KiB +[\d.]+ .?i?B/s\r\n\x1b\[1A\x1b\[J"
        support.check(re.search(bar, b"\r" + shown) is not None, repr(shown))
        support.check(shown.endswith(b"a: 102400 bytes\r\n"), repr(shown))


def usage() -> None:
    two = ["http://x/", "http://y/z"]
    for arguments in (["-j", "0", *two], ["-x", *two], ["-j", "1"], ["--sha256", SUM, *two]):
        result = support.run(*arguments)
        support.check(result.returncode == 2 and "usage: " in result.stderr, result.stderr)
    for arguments, why in (
        (["http://x/a", "http://y/a"], "two of the files are called a"),
        (["--sha256", "123", "http://x/a"], "'123' is no SHA-256"),
        (["--checksums", "/no/such/list", "http://x/a"], "/no/such/list"),
    ):
        result = support.run(*arguments)
        support.check(result.returncode == 1 and why in result.stderr, result.stderr)


support.main(own_images, goes_on, part_that_is_all, ctrl_c, sums, errors, terminal, usage)
