"""Pages, refusals and limits, with urllib and with bare sockets; then Ctrl-C."""

import concurrent.futures
import os
import pathlib
import socket
import sys
import tempfile
import urllib.error
import urllib.request

import support

PAGES = {
    "a.txt": "Grüße\n".encode(),
    "empty.txt": b"",
    "with space.html": b"<p>hello</p>",
    "long.txt": os.urandom(300_000),
    "folder/b.txt": b"below",
    "folder/index.html": b"the index",
}


def make_site(folder: pathlib.Path) -> pathlib.Path:
    (folder / "secret.txt").write_bytes(b"secret")
    site = folder / "site"
    for name, content in PAGES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    (site / "outside.txt").symlink_to("../secret.txt")
    (site / "absolute.txt").symlink_to("/etc/passwd")
    (site / "inside.txt").symlink_to("a.txt")
    os.mkfifo(site / "pipe")
    return site


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), support.SECONDS) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def pages(port: int) -> None:
    for name, content in PAGES.items():
        url = f"http://127.0.0.1:{port}/{urllib.request.quote(name)}?query"
        with urllib.request.urlopen(url, timeout=support.SECONDS) as response:
            support.check(response.read() == content, f"{name} differs")
            kind = response.headers["Content-Type"]
        expected = "text/html" if name.endswith("html") else "text/plain"
        support.check(kind == expected + "; charset=utf-8", f"{name} is {kind}")
    for target, name in (("/folder/", "folder/index.html"), ("//inside.txt", "a.txt")):
        answer = raw(port, f"GET {target} HTTP/1.0\n\n".encode())
        support.check(answer.endswith(PAGES[name]) and status(answer) == 200, f"{target}: {answer!r}")


def refusals(port: int) -> None:
    many = b"X: y\r\n" * 101
    for expected, request in (
        (404, b"GET /none.txt HTTP/1.1\r\n\r\n"),
        (404, b"GET / HTTP/1.1\r\n\r\n"),
        (404, b"GET /folder HTTP/1.1\r\n\r\n"),
        (404, b"GET /pipe HTTP/1.1\r\n\r\n"),
        (404, b"GET /outside.txt HTTP/1.1\r\n\r\n"),
        (404, b"GET /absolute.txt HTTP/1.1\r\n\r\n"),
        (404, b"GET //etc/passwd HTTP/1.1\r\n\r\n"),
        (404, b"GET /%252e%252e/secret.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /../secret.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /folder/.. HTTP/1.1\r\n\r\n"),
        (400, b"GET /%2e%2e/secret.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /folder/%2e%2e%2f%2e./secret.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /a.txt%00.html HTTP/1.1\r\n\r\n"),
        (400, b"GET /a%2 HTTP/1.1\r\n\r\n"),
        (400, b"GET /a%zz HTTP/1.1\r\n\r\n"),
        (400, b"GET a.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /a.txt\r\n\r\n"),
        (400, b"GET /a\x01.txt HTTP/1.1\r\n\r\n"),
        (400, b"GET /a.txt SMTP\r\n\r\n"),
        (400, b"\r\n\r\n"),
        (400, b"GET /a.txt HT"),
        (400, b"GET /a.txt HTTP/1.1\r\nHost: x"),
        (400, b"GET /a.txt HTTP/1.1\r\nno header\r\n\r\n"),
        (405, b"POST /a.txt HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"),
        (405, b"DELETE /a.txt HTTP/1.1\r\n\r\n"),
        (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"),
        (431, b"GET /a.txt HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n"),
        (431, b"GET /a.txt HTTP/1.1\r\n" + many + b"\r\n"),
        (431, b"GET /a.txt HTTP/1.1\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 9 + b"\r\n"),
        (505, b"GET /a.txt HTTP/2.0\r\n\r\n"),
    ):
        answer = raw(port, request)
        support.check(status(answer) == expected, f"{request[:60]!r}: {answer[:80]!r}")
        support.check(b"secret" not in answer and b"root:" not in answer, f"{request[:60]!r} leaks")
    answer = raw(port, b"PUT / HTTP/1.1\r\n\r\n")
    support.check(b"\r\nAllow: GET, HEAD\r\n" in answer, f"405 without Allow: {answer!r}")


def head_and_post(port: int) -> None:
    answer = raw(port, b"HEAD /a.txt HTTP/1.1\r\n\r\n")
    length = f"Content-Length: {len(PAGES['a.txt'])}\r\n".encode()
    support.check(status(answer) == 200 and length in answer, f"HEAD: {answer!r}")
    support.check(answer.endswith(b"\r\n\r\n"), f"HEAD has a body: {answer!r}")
    answer = raw(port, b"HEAD /none.txt HTTP/1.1\r\n\r\n")
    support.check(status(answer) == 404 and answer.endswith(b"\r\n\r\n"), f"HEAD: {answer!r}")
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/a.txt", data=b"x" * 100_000)
        support.check(False, "a POST was answered with a page")
    except urllib.error.HTTPError as error:
        support.check(error.code == 405, f"POST: {error}")
        error.close()


def parts(port: int) -> None:
    page = PAGES["folder/b.txt"]
    head = raw(port, b"HEAD /folder/b.txt HTTP/1.1\r\nRange: bytes=1-\r\n\r\n")
    tag = head.split(b"\r\nETag: ", 1)[1].split(b"\r\n")[0]
    support.check(status(head) == 200, f"HEAD of a part: {head!r}")
    for headers, expected, begin, end in (
        (b"Range: bytes=2-", 206, 2, 5),
        (b"range:bytes=0-0", 206, 0, 1),
        (b"Range: bytes=1-3", 206, 1, 4),
        (b"Range: bytes=4-99999999", 206, 4, 5),
        (b"Range: bytes=2-\r\nIf-Range: " + tag, 206, 2, 5),
        (b'Range: bytes=2-\r\nIf-Range: "another"', 200, 0, 5),
        (b"Range: bytes=3-1", 200, 0, 5),
        (b"Range: bytes=-1", 200, 0, 5),
        (b"Range: bytes=0-1,3-4", 200, 0, 5),
        (b"Range: bytes=2", 200, 0, 5),
        (b"Range: bytes=99999999999999999999999-", 200, 0, 5),
        (b"Range: lines=1-", 200, 0, 5),
    ):
        answer = raw(port, b"GET /folder/b.txt HTTP/1.1\r\n" + headers + b"\r\n\r\n")
        support.check(status(answer) == expected, f"{headers!r}: {answer!r}")
        support.check(answer.endswith(b"\r\n\r\n" + page[begin:end]), f"{headers!r}: {answer!r}")
        where = f"\r\nContent-Range: bytes {begin}-{end - 1}/5\r\n".encode()
        support.check((where in answer) == (expected == 206), f"{headers!r}: {answer!r}")
    for name, size in (("folder/b.txt", 5), ("empty.txt", 0)):
        answer = raw(port, f"GET /{name} HTTP/1.1\r\nRange: bytes={size}-\r\n\r\n".encode())
        whole = f"\r\nContent-Range: bytes */{size}\r\n".encode()
        support.check(status(answer) == 416 and whole in answer, f"{name}: {answer!r}")


def many_at_once(port: int) -> None:
    def get(number: int) -> bool:
        name = ("a.txt", "long.txt", "folder/b.txt")[number % 3]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}") as response:
            return response.read() == PAGES[name]

    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        support.check(all(pool.map(get, range(300))), "a page differs")
    for connection in idle:
        connection.close()


def all_of_it() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(pathlib.Path(folder))
        with support.serving(support.PROGRAM, str(site), "0") as port:
            for part in (pages, refusals, head_and_post, parts, many_at_once):
                part(port)


def usage() -> None:
    support.check(support.run().returncode == 2, "no arguments are accepted")
    result = support.run("/no/such/directory")
    support.check(result.returncode == 1 and "/no/such/directory" in result.stderr, result.stderr)


support.main(all_of_it, usage)
