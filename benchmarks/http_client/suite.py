"""HTTP clients beside C over libcurl and epoll; the server is nginx, on the other core."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from harness import jobs, machine
from harness.jobs import Job
from tls.suite import make_certificate

NAMES = {"http": "HTTP: requests per second of a client"}
SECONDS = 0.3  # of a burst, unless --seconds is given
PEERS = ["limit anew", "ringio", "aiohttp", "httpx"]


def run(name, options, build):
    certificate, key = make_certificate()
    with nginx(certificate, key) as (plain, secure):
        report = None
        for words, url, ca in (("HTTP/1.1", plain, "-"), ("HTTPS", secure, certificate)):
            programs = find(build, options, url, ca)
            made = jobs.run_jobs(name, list(http_jobs(words)), programs, options)
            report = made if report is None else jobs.together([report, made])
    return report


def find(build, options, url, ca):
    python = machine.find_python("aiohttp") or "python3"
    script = str(pathlib.Path(__file__).resolve().parent / "python_jobs.py")
    return jobs.find_programs(build, {
        "limit": (["http_limit", url, ca], "libcurl4-openssl-dev"),
        "limit anew": (["http_limit", url, ca], "libcurl4-openssl-dev"),
        "ringio": (["http_ringio", url, ca], "ringio"),
        "aiohttp": ([python, script, "aiohttp", url, ca], "python3-aiohttp"),
        "httpx": ([python, script, "httpx", url, ca], "python3-httpx"),
    }, options.only, ["limit"])


def http_jobs(words):
    for at_a_time in (1, 64):
        yield Job(f"{words}, a small page, {at_a_time} at a time", ["get", "{n}", str(at_a_time)],
                  "limit", "request", PEERS, targets={"rate": 0.95}, operations=200, further={"limit anew": ["anew"]})


@contextlib.contextmanager
def nginx(certificate, key):
    """Two URLs, one of them over TLS, where HTTP/2 is spoken, too."""
    if shutil.which("nginx") is None:
        raise RuntimeError("no nginx (Debian: apt install nginx-light)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringio-http-"))
    ports = [free_port(), free_port()]
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{ports[0]}; location / {{ return 200 "hello, world"; }} }}
  server {{
    listen 127.0.0.1:{ports[1]} ssl http2; ssl_certificate {certificate};
    ssl_certificate_key {key}; location / {{ return 200 "hello, world"; }}
  }}
}}
""")
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    server = subprocess.Popen(machine.pinned("1", command))
    try:
        wait_for(ports[1])
        yield f"http://127.0.0.1:{ports[0]}/", f"https://localhost:{ports[1]}/"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise RuntimeError("nginx does not start")
