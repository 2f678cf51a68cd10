"""The pages from the program's own server; then given URLs, from a server with all sorts of answers."""

import contextlib
import http.server
import threading

import support

TEXT = "\n\nfirst\n\nsecond\r\nthird\nfourth\n"


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = TEXT.encode()
    answers = {
        "/length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        "/close": b"HTTP/1.0 200\r\n\r\n" + body,
        "/?chunked": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;x=y\r\n"
        + body[:5]
        + b"\r\n%X\r\n" % len(body[5:])
        + body[5:]
        + b"\r\n0\r\nTrailer: x\r\n\r\n",
        "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        "/truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        "/cut-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "/bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        "/negative": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        "/huge": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc",
        "/twice": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc",
        "/headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        "/header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        "/other": b"SSH-2.0-OpenSSH\r\n",
        "/nothing": b"",
    }

    def do_GET(self) -> None:
        self.close_connection = True
        with contextlib.suppress(ConnectionError):  # the client may refuse to read on
            self.wfile.write(self.answers[self.path])

    def log_message(self, *_: object) -> None:
        pass


def given_urls() -> None:
    good = ("/length", "/close", "?chunked#part")
    bad = {
        "/missing": "404 Not Found",
        "/truncated": "3 bytes read on a total of 100 expected bytes",
        "/cut-chunk": "3 bytes read on a total of 5 expected bytes",
        "/bad-chunk": "no valid chunk size: '-5'",
        "/negative": "no valid Content-Length: '-1'",
        "/huge": "the page is larger than",
        "/twice": "two different Content-Lengths",
        "/headers": "too many headers",
        "/header": "",
        "/other": "does not speak HTTP/1",
        "/nothing": "closed the connection before",
    }
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://localhost:{server.server_port}"
        urls = [base + path for path in (*good, *bad)]
        all_good = support.run(*urls[: len(good)])
        mixed = support.run(*urls)
        server.shutdown()
    support.check(all_good.returncode == 0 and all_good.stderr == "", all_good.stderr)
    support.check(mixed.returncode == 1, f"status {mixed.returncode}")
    for result in (all_good, mixed):
        for path in good:
            shown = f"{support.preview(TEXT)}{base}{path}: {len(TEXT)} bytes\n"
            support.check(result.stdout.count(shown) == 1, f"{path}: {result.stdout}")
    errors = mixed.stderr.splitlines()
    support.check(len(errors) == len(bad), mixed.stderr)
    for path, text in bad.items():
        found = [error for error in errors if error.startswith(f"{base}{path}: ") and text in error]
        support.check(len(found) == 1, f"{path}: {mixed.stderr}")


def malformed_urls() -> None:
    urls = {
        "https://example.org/": "https is not supported yet: https://example.org/",
        "ftp://x/": "no URL of the form",
        "example.org": "no URL of the form",
        "http://": "no valid host",
        "http:///path": "no valid host",
        "http://user@host/": "no valid host",
        "http://[::1/": "no valid host",
        "http://host:/": "no valid port",
        "http://host:0/": "no valid port",
        "http://host:65536/": "no valid port",
        "http://host:80x/": "no valid port",
        "http://host/a b": "percent-encoded",
        "http://host/\r\nX: y": "percent-encoded",
    }
    for url, text in urls.items():
        result = support.run(url)
        support.check(result.returncode == 1 and text in result.stderr, f"{url!r}: {result.stderr}")


def own_pages() -> None:
    support.own_pages("http")


support.main(own_pages, given_urls, malformed_urls)
