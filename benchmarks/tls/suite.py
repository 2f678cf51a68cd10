"""TLS beside OpenSSL on plain sockets: handshakes, bulk, memory of idle connections."""

import atexit
import json
import pathlib
import shutil
import subprocess
import tempfile

from harness import jobs, machine
from harness.jobs import Job
from harness.report import Table

NAMES = {"tls": "TLS: handshakes, bulk, and the memory of idle connections"}
SECONDS = 0.2  # of a burst, unless --seconds is given
IDLE = 1000


def run(name, options, build):
    files = make_certificate()
    python = machine.find_python("asyncio") or "python3"
    script = str(pathlib.Path(__file__).resolve().parent / "python_jobs.py")
    programs = jobs.find_programs(build, {
        "limit": (["tls_limit", *files], "libssl-dev"),
        "ringio": (["tls_ringio", *files], "ringio"),
        "asyncio": ([python, script, *files], "python3"),
    }, options.only, ["limit"])
    report = jobs.run_jobs(name, list(tls_jobs()), programs, options)
    if "ringio" in programs:
        report.tables.append(memory_of_idle(programs["ringio"]))
    return report


def tls_jobs():
    yield Job("a full handshake of TLS 1.3, P-256, on a new connection", ["handshake", "{n}"],
              "limit", "handshake", ["ringio", "asyncio"], targets={"rate": 0.9}, operations=100)
    yield Job("a handshake that resumes the session of the one before", ["resumed", "{n}"],
              "limit", "handshake", ["ringio", "asyncio"], operations=100)
    for size in (16, 256):
        yield Job(f"bulk, {size} KiB a write", ["bulk", "{n}", str(size << 10)], "limit", "MiB",
                  ["ringio", "asyncio"], targets={"rate": 0.9}, operations=50)


def make_certificate():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringio-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-addext",
         "keyUsage=critical,digitalSignature,keyCertSign", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return [str(certificate), str(key)]


def memory_of_idle(program):
    done = subprocess.run([*program, "idle", str(IDLE)], check=True, capture_output=True, text=True)
    size = json.loads(done.stdout)["bytes_of_an_end"] / 1024
    return Table(f"Heap of an idle connection, of {IDLE}", ["who", "KiB an end", "target"],
                 [["ringio", f"{size:.1f}", "at most 32"]], words=1)
