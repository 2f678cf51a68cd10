"""What the coroutine layer costs, beside the minimal loop and beside the same in Asio, Go, asyncio
and uvloop. One process runs one test once, cold, and prints a line of JSON."""

import json
import os
import pathlib
import subprocess
import sys

from harness import bursts, machine
from harness.charts import bars, lines
from harness.report import Report, Table, number

NAMES = {"micro": "coroutines, timers, threads: ns per operation, bytes per task"}
HERE = pathlib.Path(__file__).resolve().parent
REFERENCE = "minimal"
PEERS = ("asio", "go", "asyncio", "uvloop")

# test: what ringio aims at, as a ratio to the minimal loop
TARGETS = {
    "await_ready": 1.2,
    "recursion": 1.2,
    "spawn_join": 2.0,
    "spawn_join_all": 2.1,
    "gather": 2.3,
    "yield": 1.7,
    "yield_with_timer": 2.4,
    "future_ping_pong": 2.2,
    "semaphore_ping_pong": 2.5,
    "event_ping_pong": 2.5,
    "channel_ping_pong": 2.6,
    "queue_ping_pong": 3.0,
    "timer_fire_1k": 1.1,
    "timer_fire_10k": 1.5,
    "timer_fire_100k": 2.0,
    "timer_fire_1m": None,
    "timer_cancel_1k": 1.1,
    "timer_cancel_10k": 1.2,
    "timer_cancel_100k": 1.4,
    "timer_cancel_1m": 2.2,
    "cancel_catch": 1.2,
    "post_throughput": 2.5,
    "post_latency": 1.1,
    "bytes_per_task": None,
}
MOST_BYTES = 240  # the target of bytes_per_task
TWO_THREADS = ("post_throughput", "post_latency")
TIMERS = {1_000: "1k", 10_000: "10k", 100_000: "100k", 1_000_000: "1m"}


def add_arguments(parser):
    parser.add_argument("--tests", type=lambda text: text.split(","), metavar="TEST,…",
                        default=list(TARGETS), help="these alone")


def find_candidates(build):
    """{name: command}; peers that are missing are named with the package that brings them."""
    commands = {name: [program] if program else None for name, program in (
        (name, machine.find_program(build, f"micro_{name}"))
        for name in (REFERENCE, "ringio", "asio", "go"))}
    for needed in (REFERENCE, "ringio"):
        if commands[needed] is None:
            raise RuntimeError(f"{build}: no micro_{needed}")
    for name in ("asyncio", "uvloop"):
        interpreter = machine.find_python(name)
        program = str(HERE / "peers" / "python" / "micro_python.py")
        commands[name] = [interpreter, program, "--loop", name] if interpreter else None
    packages = {"asio": "libasio-dev", "go": "golang-go", "asyncio": "python3",
                "uvloop": "python3-uvloop"}
    for name in [name for name, command in commands.items() if command is None]:
        machine.missing(name, packages[name])
        del commands[name]
    return commands


def tests_of(command):
    return subprocess.run([*command, "--list"], capture_output=True, text=True, timeout=30,
                          check=True).stdout.split()


def once(command, test, quick):
    """The cost of one operation: ns, or bytes."""
    cpus = "0,1" if test in TWO_THREADS and len(os.sched_getaffinity(0)) > 1 else "0"
    arguments = ["--only", test, *(["--quick"] if quick else [])]
    done = subprocess.run(machine.pinned(cpus, [*command, *arguments]), capture_output=True,
                          text=True, timeout=120)
    if done.returncode != 0:
        raise bursts.BurstFailed(f"{test}: exit {done.returncode} {done.stderr[-300:]}")
    figures = json.loads(done.stdout)
    return {"cost": figures.get("ns_per_op", figures.get("bytes_per_op"))}


def is_met(test, series):
    """Whether ringio reaches its target; None where there is none."""
    if test == "bytes_per_task":
        cost = series["ringio"].median("cost")
        return None if cost is None else cost <= MOST_BYTES
    ratio, target = series["ringio"].ratio("cost"), TARGETS[test]
    return None if ratio is None or target is None else round(ratio, 2) <= target


def result_row(test, series):
    target = f"{MOST_BYTES} B" if test == "bytes_per_task" else number(TARGETS[test])
    spread = series["ringio"].spread("cost")
    return [test, number(series[REFERENCE].median("cost"), 1),
            number(series["ringio"].median("cost"), 1), number(series["ringio"].ratio("cost")),
            f"{spread[0]:.2f}–{spread[1]:.2f}" if spread else None, target,
            {True: "yes", False: "**no**", None: None}[is_met(test, series)],
            number(series[REFERENCE].ratio("cost"))]


def peers_row(test, series, peers):
    return [test, *(number(series[name].ratio("cost"), 1) if name in series else None
                    for name in ("ringio", *peers))]


def timer_chart(kind, found, names):
    """Cost against the number of timers alive."""
    def costs(name):
        series = (found.get(f"timer_{kind}_{size}", {}).get(name) for size in TIMERS.values())
        return [one.median("cost") if one else None for one in series]
    words = {"fire": "create and fire", "cancel": "create and cancel"}[kind]
    return lines(f"timers_{kind}", f"Timers: {words}, ns each", list(TIMERS),
                 {name: costs(name) for name in names if any(costs(name))},
                 xlabel="timers alive at once", ylabel="ns", log_y=True)


def charts(found, names):
    groups = [test for test in found if found[test]["ringio"].ratio("cost") is not None]
    ratios = {name: [found[test][name].ratio("cost") if name in found[test] else None
                     for test in groups] for name in names if name != REFERENCE}
    drawn = [bars("micro", "Cost of one operation, as a ratio to a loop written by hand for it",
                  groups, ratios, ylabel="ratio to minimal (log)", log=True, reference=1.0,
                  targets=[TARGETS[test] for test in groups])]
    return drawn + [timer_chart(kind, found, names) for kind in ("fire", "cancel")
                    if any(test.startswith(f"timer_{kind}") for test in found)]


def run(name, options, build):
    commands = find_candidates(build)
    names = [who for who in commands if who != REFERENCE
             and (options.only is None or who in options.only or who == "ringio")]
    available = {who: tests_of(commands[who]) for who in names}
    found = {}
    for test in options.tests:
        if test not in TARGETS:
            raise RuntimeError(f"no test {test}; there are {', '.join(TARGETS)}")
        measure = lambda who: once(commands[who], test, options.quick)
        # The reference takes a turn as a candidate too: its ratio to itself is the noise.
        turns = [who for who in names if test in available[who]] + [REFERENCE]
        print(f"micro: {test}", file=sys.stderr)
        found[test] = bursts.alternate(turns, REFERENCE, measure, options.rounds)
    peers = [who for who in PEERS if who in names]
    tables = [
        Table("ns per operation (CPU time; `post_…` wall time), bytes per task; ratio to `minimal`, "
              "median and spread",
              ["test", "minimal", "ringio", "ratio", "spread", "target", "met", "noise"],
              [result_row(test, series) for test, series in found.items()]),
        Table("Ratios to `minimal`, peers beside ringio", ["test", "ringio", *peers],
              [peers_row(test, series, peers) for test, series in found.items()])]
    notes = ["`noise` is `minimal` against itself: smaller differences are not established."]
    return Report(name, tables, charts(found, [REFERENCE, *names]), notes, {
        test: {"target": TARGETS[test], "met": is_met(test, series),
               **{who: one.data() for who, one in series.items()}}
        for test, series in found.items()})
