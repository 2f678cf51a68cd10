"""Process and thread pools beside two processes that talk over a socket pair, and a pool in C."""

import pathlib

from harness import jobs, machine
from harness.jobs import Job
from harness.report import Report, Table

NAMES = {"pools": "ProcessPoolExecutor and ThreadPoolExecutor: calls, portions, large messages"}
SECONDS = 0.08  # of a burst, unless --seconds is given

SCRIPT = str(pathlib.Path(__file__).resolve().parent / "python_jobs.py")
FURTHER = {"a thread more": ["manager"], "ringio awaited": ["awaited"],
           "python awaited": ["awaited"]}
CALLS = ["a thread more", "ringio", "ringio awaited", "python", "python awaited"]
THREADS = ["ringio", "std::async", "asio", "python"]
TOGETHER = 10_000


def run(name, options, build):
    python = machine.find_python("asyncio") or "python3"
    programs = jobs.find_programs(build, {
        "calls": (["pools_calls"], ""),
        "threads": (["pools_threads"], ""),
        "ringio": (["pools_ringio"], "ringio"),
        "ringio awaited": (["pools_ringio"], "ringio"),
        "std::async": (["pools_async"], ""),
        "asio": (["pools_asio"], "libasio-dev"),
        "python": ([python, SCRIPT], "python3"),
        "python awaited": ([python, SCRIPT], "python3"),
    }, options.only, ["calls", "threads"])
    programs["a thread more"] = programs["calls"]
    return in_one_table(jobs.run_jobs(name, list(pool_jobs()), programs, options))


def in_one_table(found: Report) -> Report:
    """What is there to be compared, with the targets in the rows that they are about."""
    targets, *tables = found.tables
    words = {what: f"{target}, {ratio}: {verdict}"
             for what, _, target, ratio, _, verdict in targets.rows}
    rows = []
    for table in tables:
        for who, *figures in table.rows:
            what = f"{who}: {table.title}"
            beside = f"{what} (to python)"
            target = words.get(what, words.get(beside, "").replace(",", " times python,"))
            rows.append([table.title, who, *figures, target])
    found.tables = [Table(
        "Ratios to the first of each job, whose own are the noise; a target is about the rate",
        ["what", "", "per second", "CPU, µs", "rate, ratio", "CPU, ratio", "spread of the rate",
         "target"], rows, words=2)]
    return found


def pool_jobs():
    yield Job("a call of a process pool, on two cores", ["call", "{n}"], "calls", "call", CALLS,
              targets={"rate": 0.67}, operations=500, cpus="0,1", further=FURTHER)
    yield Job("a call of a process pool, on one core", ["call", "{n}"], "calls", "call", CALLS,
              targets={"rate": 0.67}, operations=500, further=FURTHER)
    yield Job("map() of a million numbers, two workers", ["map", "{n}"], "calls", "map",
              ["ringio", "python"], targets={"rate": 10}, target_beside="python", operations=1,
              cpus="0,1")
    yield Job("1 MiB to a worker and back", ["bytes", "{n}"], "calls", "call",
              ["ringio", "python"], operations=50, cpus="0,1")
    yield Job("a call of a thread pool, on one core", ["thread", "{n}"], "threads", "call",
              THREADS, operations=500)
    yield Job("10,000 calls of a thread pool at a time", ["threads", "{n}"], "threads", "call",
              THREADS, operations=1, operations_each=TOGETHER, cpus="0,1")
