"""The hundred URLs of its own; then URLs that are given, by arguments and on standard input."""

import http.server
import pathlib
import subprocess
import threading

import support

EXPECTED = pathlib.Path(__file__).parent.parent / "expected" / "health_checker.txt"


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/silent":
            self.server.is_over.wait(support.SECONDS)
            return
        self.send_response(200 if self.path == "/well" else 404)
        self.send_header("Content-Length", "100" if self.path == "/cut" else "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def own_urls() -> None:
    result = support.run()
    support.check(result.returncode == 0 and result.stderr == "", result.stderr)
    support.check(result.stdout == EXPECTED.read_text(encoding="utf-8"), result.stdout)


def given_urls() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.is_over = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        good = support.run(f"{base}/well", f"{base}/well")
        bad = support.run(f"{base}/well", f"{base}/missing", f"{base}/cut", "ftp://x/")
        late = support.run("-t", "1", f"{base}/silent")
        typed = subprocess.run(
            [support.PROGRAM, "-j", "1", "-"],
            input=f"{base}/well\n\n  \n{base}/missing\r\n{base}/well",
            capture_output=True,
            encoding="utf-8",
            timeout=support.SECONDS,
            check=False,
        )
        server.is_over.set()
        server.shutdown()
    support.check(good.returncode == 0, good.stderr)
    support.check(good.stdout == "    2  200\n2 of 2 are well\n", good.stdout)
    support.check(bad.returncode == 1, f"status {bad.returncode}")
    support.check(f"{base}/missing: 404\n" in bad.stdout, bad.stdout)
    support.check(f"{base}/cut: ClientPayloadError: " in bad.stdout, bad.stdout)
    support.check("ftp://x/: InvalidURL: " in bad.stdout, bad.stdout)
    support.check(bad.stdout.endswith("1 of 4 are well\n"), bad.stdout)
    support.check(late.returncode == 1, f"status {late.returncode}")
    support.check("    1  no answer before the deadline\n" in late.stdout, late.stdout)
    support.check(typed.stdout.endswith("    2  200\n    1  404\n2 of 3 are well\n"), typed.stdout)


def usage() -> None:
    for arguments in (["-j", "0", "http://x/"], ["-t", "x", "http://x/"], ["-x"], ["-j", "1"]):
        result = support.run(*arguments)
        support.check(result.returncode == 2 and "usage: " in result.stderr, result.stderr)


support.main(own_urls, given_urls, usage)
