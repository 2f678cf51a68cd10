"""The pages from the program's own server, over HTTPS; then URLs that are given, good and bad."""

import http.server
import pathlib
import re
import threading

import support

PAGES = pathlib.Path(__file__).parent.parent / "pages"
TEXT = "\n\nfirst\n\nsecond\r\nthird\nfourth\n"


def preview(text: str) -> str:
    lines = [line for line in text.splitlines() if line]
    return "-" * 80 + "\n" + "".join(line + "\n" for line in lines[:3]) + "\n"


def own_pages() -> None:
    result = support.run()
    support.check(result.returncode == 0 and result.stderr == "", result.stderr)
    total = 0
    for page in PAGES.iterdir():
        content = page.read_bytes()
        total += len(content)
        wanted = rf"https://127\.0\.0\.1:\d+/{re.escape(page.name)}: {len(content)} bytes\n"
        wanted = re.escape(preview(content.decode())) + wanted
        found = len(re.findall(wanted, result.stdout))
        support.check(found == 1, f"{page.name}: {found} previews in\n{result.stdout}")
    count = len(list(PAGES.iterdir()))
    support.check(f"\n{count} pages, {total} bytes\n" in result.stdout, result.stdout)
    for line in (
        r"one after another: +\d+\.\d{3} s",
        r"concurrently: +\d+\.\d{3} s, \d+\.\d times as fast",
    ):
        support.check(re.search(rf"(?m)^{line}$", result.stdout) is not None, result.stdout)


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
    shown = f"{preview(TEXT)}{base}/good: {len(TEXT)} bytes\n"
    support.check(good.returncode == 0 and good.stderr == "", good.stderr)
    support.check(mixed.returncode == 1, f"status {mixed.returncode}")
    for result in (good, mixed):
        support.check(result.stdout == shown, result.stdout)
    errors = sorted(mixed.stderr.splitlines())
    support.check(len(errors) == 3, mixed.stderr)
    support.check(errors[0].startswith("ftp://x/: "), mixed.stderr)
    support.check(errors[1].startswith(f"{base}/missing: ") and "404" in errors[1], mixed.stderr)
    support.check(errors[2].startswith(f"https{base[4:]}/good: "), mixed.stderr)


support.main(own_pages, given_urls)
