"""How many instructions an operation takes in user space, and how many system calls a request. These
counts hardly depend on the machine's mood, so a checked-in table guards them: --check.

What a process does once is in no figure: it drops out of the difference between two runs, one with
more operations, or was over when the counting began."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from counts.server_run import MESSAGE, EchoServer
from harness import machine
from harness.report import Report, Table, number

NAMES = {"counts": "instructions per operation (valgrind), system calls per request (strace)"}

EXPECTED = pathlib.Path(__file__).with_name("expected.json")

MICRO = {"minimal": "micro_minimal", "ringio": "micro_ringio"}
# Threads, which take turns as the machine likes, and memory, which is no count.
UNSTEADY = {"post_throughput", "post_latency", "bytes_per_task"}

# server: its program and arguments; the first is the reference
SERVERS = {
    "limit": ["echo_limit"],
    # Said, for under an instrument every call seems dear.
    "ringio": ["echo_ringio_low_level", "--together", "0"],
    "ringio streams": ["echo_ringio_streams", "--together", "0"],
    "ringio readline": ["echo_ringio_streams", "--lines", "--together", "0"],
    "limit together": ["echo_limit", "--together", "1"],
    "ringio together": ["echo_ringio_low_level", "--together", "1"],
    "ringio streams together": ["echo_ringio_streams", "--together", "1"],
}
# key: connections that echo, connections that sleep, arguments
ECHOES = {
    "echo x 1": (1, 0, []),
    "echo x 64": (64, 0, []),
    "echo beside 64 sleepers": (1, 64, ["--patience", "3600"]),
}
ROUNDED = 0.005  # more than rounding to the table's three digits can do
WARM_UP = 1024  # requests, of both runs
REQUESTS = 9984  # 10,000 as a multiple of 64


def add_arguments(parser):
    parser.add_argument("--check", action="store_true",
                        help="fail where a count is above counts/expected.json")
    parser.add_argument("--update", action="store_true", help="write counts/expected.json anew")


def run(name, options, build):
    if shutil.which("valgrind") is None:
        raise RuntimeError("no valgrind (Debian: valgrind)")
    compiler = compiler_of(build)
    found = {**micro_counts(build, options.quick), **echo_counts(build, options.check)}
    if options.update:
        write_expected(compiler, found)
    report = make_report(name, found)
    if options.check:
        check(report, compiler, found)
    return report


# ---- counting ----


def callgrind(folder, command):
    return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / 'profile'}",
            f"--log-file={folder / 'log'}", *command]


def parse(path, pattern):
    text = path.read_text()
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"no {pattern} in:\n{text[-1000:]}")
    return int(match.group(1))


def micro_instructions(program, test, ops):
    """Of one operation. What the process does once drops out of the difference."""
    counts = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for many in (ops, 2 * ops):
            command = callgrind(folder, [program, "--only", test, "--ops", str(many)])
            done = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=300)
            if done.returncode != 0:
                raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}")
            counts.append(parse(folder / "log", r"Collected : (\d+)"))
    return (counts[1] - counts[0]) / ops


def operations(test, quick):
    """As many as timers live at once, or gather has children; None: too many for valgrind."""
    if test.endswith("_1m"):
        return None
    if test.endswith("_100k"):
        return None if quick else 100_000
    return 10_000


def micro_counts(build, quick):
    """{"await_ready minimal": {"instructions": 129.0}, …}"""
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for who, file in MICRO.items():
            program = need(build, file)
            listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
            for test in listed.stdout.split():
                ops = operations(test, quick)
                if test not in UNSTEADY and ops is not None:
                    jobs[f"{test} {who}"] = pool.submit(micro_instructions, program, test, ops)
    return {key: {"instructions": job.result()} for key, job in jobs.items()}


def instructions_per_request(command, connections, sleepers):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with EchoServer(callgrind(folder, command), connections, sleepers) as server:
            server.echo(WARM_UP)
            tell_callgrind(server.pid, "zero")
            server.echo(REQUESTS)
            tell_callgrind(server.pid, "dump")
        return parse(folder / "profile.1", r"^totals: (\d+)") / REQUESTS


def tell_callgrind(pid, command):
    """Valgrind 3.19 does not let signals end a wait in io_uring_enter(2); this reaches it there."""
    done = subprocess.run(["vgdb", f"--pid={pid}", command], capture_output=True, text=True,
                          timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"vgdb {command}: {done.stderr}")


def system_calls_per_request(command, connections, sleepers):
    counts = []
    with tempfile.TemporaryDirectory() as name:
        log = pathlib.Path(name, "log")
        strace = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(log)]
        for requests in (WARM_UP, WARM_UP + REQUESTS):
            with EchoServer([*strace, *command], connections, sleepers) as server:
                server.echo(requests)
                server.terminate()
            counts.append(parse(log, r"^\s*(\d+)\s+total$"))
    return (counts[1] - counts[0]) / REQUESTS


def echo_counts(build, all_needed):
    """{"echo x 64 ringio": {"instructions": …, "system_calls": …}, …}"""
    found = {}
    for who, (file, *arguments) in SERVERS.items():
        if not all_needed and machine.find_program(build, file) is None:
            print(f"{who} is left out: no {file}", file=sys.stderr)
            continue
        command = [need(build, file), *arguments, "--size", str(len(MESSAGE))]
        for key, (connections, sleepers, more) in ECHOES.items():
            words = [*command, *more]
            figures = {"instructions": instructions_per_request(words, connections, sleepers)}
            if shutil.which("strace"):
                figures["system_calls"] = system_calls_per_request(words, connections, sleepers)
            found[f"{key} {who}"] = figures
    if not shutil.which("strace"):
        print("no system calls counted: no strace (Debian: strace)", file=sys.stderr)
    return found


def need(build, file):
    program = machine.find_program(build, file)
    if program is None:
        raise RuntimeError(f"{build}: no {file}")
    return program


# ---- showing ----


def make_report(name, found):
    figure = lambda key, which: found.get(key, {}).get(which)
    ratio = lambda value, limit: value / limit if value and limit else None
    tests = dict.fromkeys(key.rpartition(" ")[0] for key in found if not key.startswith("echo"))
    micro = []
    for test in tests:
        minimal, ringio = (figure(f"{test} {who}", "instructions") for who in MICRO)
        micro.append([test, number(minimal, 1), number(ringio, 1), number(ratio(ringio, minimal))])
    echo = []
    for load in ECHOES:
        limit = figure(f"{load} limit", "instructions")
        for who in SERVERS:
            key = f"{load} {who}"
            echo.append([who, load.removeprefix("echo "), number(figure(key, "instructions"), 0),
                         number(ratio(figure(key, "instructions"), limit)),
                         number(figure(key, "system_calls"))])
    return Report(name, [
        Table("Instructions in user space per operation",
              ["test", "minimal", "ringio", "ratio"], micro),
        Table("An echoed request of 64 bytes",
              ["server", "connections", "instructions", "ratio", "system calls"], echo),
    ], data=found)


# ---- guarding ----


def compiler_of(build):
    """Counts belong to a compiler, a build type and an architecture."""
    where = machine.describe(build)
    return f"{where['compiler']}, {where['build_type']}, {os.uname().machine}"


def write_expected(compiler, found):
    tolerances = {"instructions": 0.03, "system_calls": 0.03}
    if EXPECTED.exists():
        tolerances = json.loads(EXPECTED.read_text())["tolerances"]
    rounded = {key: {which: round(value, 3) for which, value in figures.items()}
               for key, figures in sorted(found.items())}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in rounded.items())
    EXPECTED.write_text(f'{{"compiler": {json.dumps(compiler)},\n'
                        f' "tolerances": {json.dumps(tolerances)},\n'
                        f' "counts": {{\n{lines}\n }}}}\n')
    print(f"written: {EXPECTED}", file=sys.stderr)


def check(report, compiler, found):
    """Ends the program with a failure where a count has grown."""
    expected = json.loads(EXPECTED.read_text())
    if expected["compiler"] != compiler:
        print(f"nothing checked: {EXPECTED.name} was counted with {expected['compiler']}, "
              f"this is {compiler}", file=sys.stderr)
        return
    grown, shrunk, unknown = [], [], []
    for key, figures in found.items():
        for which, value in figures.items():
            old = expected["counts"].get(key, {}).get(which)
            line = f"  {key}: {old} -> {value:.3f} {which.replace('_', ' ')} per operation"
            tolerance = expected["tolerances"][which]
            if old is None:
                unknown.append(line)
            elif value > old * (1 + tolerance) + ROUNDED:
                grown.append(f"{line} ({value / old - 1:+.1%})")
            elif value < old * (1 - tolerance) - ROUNDED:
                shrunk.append(f"{line} ({value / old - 1:+.1%})")
    for title, lines in (("fewer than expected, to be noted with --update", shrunk),
                         ("not in the table yet", unknown)):
        if lines:
            print(f"{title}:", *lines, sep="\n", file=sys.stderr)
    if grown:
        print(report.to_markdown())
        print("more than expected:", *grown, sep="\n", file=sys.stderr)
        sys.exit("If that is worth it: benchmarks/run.py counts --update, and say in the commit why.")
