"""Programs that are started, and what wakes a loop from outside, beside the system calls in C."""

import pathlib

from harness import jobs, machine
from harness.jobs import Job

NAMES = {"process": "programs started and talked to; signals and add_reader() to their callbacks"}
SECONDS = 0.2  # of a burst, unless --seconds is given

SCRIPT = str(pathlib.Path(__file__).resolve().parent / "asyncio_jobs.py")
ALL = ["ringio", "asyncio"]


def run(name, options, build):
    python = machine.find_python("asyncio") or "python3"
    programs = jobs.find_programs(build, {
        "calls": (["process_calls"], ""),
        "ringio": (["process_ringio"], "ringio"),
        "asyncio": ([python, SCRIPT], "python3"),
    }, options.only, ["calls"])
    programs["handler and pipe"] = programs["calls"]
    mib = 8 if options.quick else 64
    found = [
        Job("/bin/true, one after the other", ["spawn", "{n}"], "calls", "program", ALL,
            targets={"rate": 0.9, "blocked_us": 1.2}, operations=50),
        Job("/bin/true, 64 beside each other", ["together", "{n}"], "calls", "program", ALL,
            targets={"rate": 0.9}, operations=64),
        Job(f"communicate() of {mib} MiB with cat", ["communicate", str(mib)], "calls", "MiB", ALL,
            targets={"rate": 0.9}, operations=mib, cpus="0,1"),
        Job("a signal to its callback", ["signal", "{n}"], "calls", "signal",
            ["handler and pipe", *ALL], targets={"cpu_us": 1.3},
            better_of=("handler and pipe",), further={"handler and pipe": ["pipe"]}, operations=2000),
        Job("add_reader(): a byte to its callback", ["reader", "{n}"], "calls", "byte", ALL,
            targets={"cpu_us": 1.3}, operations=2000),
    ]
    return jobs.run_jobs(name, found, programs, options)
