"""Pipes, sendfile and names of hosts beside the calls in C."""

import os
import pathlib
import tempfile

from harness import jobs, machine
from harness.jobs import Job

NAMES = {
    "pipe": "pipes: there and back, and one way",
    "sendfile": "files of 1 and 100 MiB over the loopback interface",
    "names": "getaddrinfo() of literals and of a name in /etc/hosts",
}
SECONDS = 0.2  # of a burst, unless --seconds is given

MIB = 1 << 20
SCRIPT = str(pathlib.Path(__file__).resolve().parent / "asyncio_jobs.py")
ALL = ["ringio", "asyncio"]


def run(name, options, build):
    python = machine.find_python("asyncio") or "python3"
    programs = jobs.find_programs(build, {
        "calls": (["local_calls"], ""),
        "ringio": (["local_ringio"], "ringio"),
        "asyncio": ([python, SCRIPT], "python3"),
    }, options.only, ["calls"])
    partner = machine.find_program(build, "local_partner")
    if partner is None:
        raise RuntimeError(f"{build}: no local_partner")
    if name == "sendfile":
        with tempfile.TemporaryDirectory(prefix="ringio-", dir=build) as folder:
            return jobs.run_jobs(name, list(sendfile_jobs(partner, folder)), programs, options)
    found = pipe_jobs(partner) if name == "pipe" else names_jobs(partner)
    return jobs.run_jobs(name, list(found), programs, options)


def pipe_jobs(partner):
    yield Job("64 B through a pipe and back through another", ["ping", "{n}", partner], "calls",
              "round", ALL, targets={"rate": 0.8}, operations=2000)
    yield Job("read from a pipe, one core for both", ["read", "{n}", partner], "calls", "MiB", ALL,
              targets={"rate": 0.9})
    yield Job("written to a pipe, one core for both", ["write", "{n}", partner], "calls", "MiB",
              ALL, targets={"rate": 0.9})


def sendfile_jobs(partner, folder):
    for mib, first in ((1, 100), (100, 2)):
        file = pathlib.Path(folder, f"{mib}-mib")
        file.write_bytes(os.urandom(MIB) * mib)
        yield Job(f"files of {mib} MiB", ["sendfile", "{n}", partner, str(file)], "calls", "MiB",
                  ALL, targets={"rate": 0.55}, operations=first, cpus="0,1", operations_each=mib)


def names_jobs(partner):
    yield Job("a literal", ["literal", "{n}", partner], "calls", "look-up", ALL,
              targets={"rate": 0.9}, operations=2000)
    yield Job("localhost, each time with another port", ["names", "{n}", partner], "calls",
              "look-up", ALL, targets={"rate": 0.9}, operations=1000, cpus="0,1")
