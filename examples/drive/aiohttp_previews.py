"""The pages from the program's own server, over HTTPS; then URLs that are given, good and bad."""

import http.server
import threading

import support

TEXT = "\n\nfirst\n\nsecond\r\nthird\nfourth\n"


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = TEXT.encode()
        self.send_response(200 if self.path == "/good" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def given_urls() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://localhost:{server.server_port}"
        good = support.run(f"{base}/good")
        mixed = support.run(f"{base}/good", f"{base}/missing", f"https{base[4:]}/good", "ftp://x/")
        server.shutdown()
    shown = f"{support.preview(TEXT)}{base}/good: {len(TEXT)} bytes\n"
    support.check(good.returncode == 0 and good.stderr == "", good.stderr)
    support.check(mixed.returncode == 1, f"status {mixed.returncode}")
    for result in (good, mixed):
        support.check(result.stdout == shown, result.stdout)
    errors = sorted(mixed.stderr.splitlines())
    support.check(len(errors) == 3, mixed.stderr)
    support.check(errors[0].startswith("ftp://x/: "), mixed.stderr)
    support.check(errors[1].startswith(f"{base}/missing: ") and "404" in errors[1], mixed.stderr)
    support.check(errors[2].startswith(f"https{base[4:]}/good: "), mixed.stderr)


def own_pages() -> None:
    support.own_pages("https")


support.main(own_pages, given_urls)
