#!/usr/bin/env python3
"""Runs the benchmarks and prints Markdown tables.

    run.py echo     TCP echo servers under a closed-loop load, ratios to the hand-written limit
    run.py micro    costs of the coroutine layer, ratios to the minimal loop
    run.py compile  time to compile a hello-world

Machines drift while one measures. So candidates run in short bursts in random order, each between
two bursts of the reference; a ratio is taken against these two neighbours, and the median of the
rounds is shown. The reference is also run as a candidate: its ratio to itself is the noise.
"""

import argparse
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# name: how the server is started; the first one is the reference
SERVERS = {
    "limit": ["echo_limit", "--port", "0", "--size", "{size}"],
    "ringio": ["echo_ringio", "--port", "0"],
    "asio": ["echo_asio", "--port", "0"],
}
REFERENCE = "limit"
CPUS = {"split": ("0", "1"), "same": ("0", "0")}  # mode: server's CPU, client's CPU

# test: what ringio aims at, as a ratio to the minimal loop
MICRO_TARGETS = {
    "await_ready": 1.5,
    "recursion": 1.0,
    "spawn_join": None,
    "spawn_join_all": 1.1,
    "gather": 1.5,
    "yield": 1.25,
    "future_ping_pong": 1.7,
    "timer_arm_cancel": 1.2,
    "timer_fire": 1.5,
}


def find_program(build, name):
    for folder in (build, build / "benchmarks"):
        program = folder / name
        if os.access(program, os.X_OK) and program.is_file():
            return str(program)
    return None


def pinned(cpu, command):
    return ["taskset", "-c", cpu, *command] if shutil.which("taskset") else command


def user_seconds(pid):
    """User time from /proc/<pid>/stat: in ticks, so only sums over many bursts mean much."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def echo_burst(programs, name, mode, connections, size, seconds):
    """One server, one client, one figure of each kind."""
    server_cpu, client_cpu = CPUS[mode]
    command = [programs[name], *(word.format(size=size) for word in SERVERS[name][1:])]
    server = subprocess.Popen(pinned(server_cpu, command), stdout=subprocess.PIPE, text=True)
    try:
        words = server.stdout.readline().split()
        if len(words) != 2 or words[0] != "listening":
            raise RuntimeError(f"{name}: no 'listening <port>' but {words}")
        client = [programs["client"], words[1], str(connections), str(size), str(seconds),
                  str(server.pid)]
        done = subprocess.run(pinned(client_cpu, client), capture_output=True, text=True,
                              timeout=30 + 3 * seconds)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip() or done.returncode}")
        measured = json.loads(done.stdout)
        user = user_seconds(server.pid)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    requests = max(measured["requests"], 1)
    return {
        "rps": requests / measured["seconds"],
        "cpu_us": measured["server_cpu"] / requests * 1e6,
        "p50_us": measured["p50_us"],
        "p99_us": measured["p99_us"],
        "client_cpu": measured["client_cpu"] / measured["seconds"],
        "user_ns": user / (requests * 1.2) * 1e9,  # the warm-up is a fifth of the burst
    }


FIGURES = ("rps", "cpu_us", "p50_us", "p99_us")


def echo_cell(programs, names, mode, connections, size, options, failures):
    """All rounds of one mode, number of connections and size."""
    bursts = {name: [] for name in names}
    ratios = {name: {figure: [] for figure in FIGURES} for name in names}
    burst = lambda name: echo_burst(programs, name, mode, connections, size, options.seconds)
    for _ in range(options.rounds):
        before = burst(REFERENCE)
        for name in random.sample(names, len(names)):
            try:
                measured = burst(name)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                failures.append(f"{mode} {connections} x {size}: {error}")
                continue
            after = burst(REFERENCE)
            bursts[name].append(measured)
            for figure in FIGURES:
                neighbours = math.sqrt(before[figure] * after[figure])
                ratios[name][figure].append(measured[figure] / neighbours)
            before = after
    rows = []
    for name in names:
        if not bursts[name]:
            continue
        row = {"mode": mode, "connections": connections, "size": size, "server": name}
        for figure in bursts[name][0]:
            row[figure] = statistics.median(measured[figure] for measured in bursts[name])
        row["user_ns"] = statistics.mean(measured["user_ns"] for measured in bursts[name])
        for figure in FIGURES:
            row[f"{figure}_ratio"] = statistics.median(ratios[name][figure])
        rows.append(row)
    return rows


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def print_echo_summary(rows):
    print("\nGeometric means of the ratios; `limit` is the reference against itself, the noise.\n")
    print("| mode | server | req/s | CPU per request | p50 | p99 | user ns/request |")
    print("|---|---|---|---|---|---|---|")
    for mode in CPUS:
        for server in SERVERS:
            chosen = [row for row in rows if row["mode"] == mode and row["server"] == server]
            if chosen:
                means = " | ".join(
                    f"{geometric_mean([row[figure + '_ratio'] for row in chosen]):.2f}"
                    for figure in FIGURES)
                user = statistics.median(row["user_ns"] for row in chosen)
                print(f"| {mode} | {server} | {means} | {user:.0f} |")


def run_echo(options):
    programs = {name: find_program(options.build, command[0]) for name, command in SERVERS.items()}
    programs["client"] = find_program(options.build, "echo_client")
    for needed in ("client", REFERENCE):
        if programs[needed] is None:
            sys.exit(f"{options.build}: no echo_{needed}; build with RINGIO_BUILD_BENCHMARKS=ON")
    names = [name for name in SERVERS if programs[name] is not None]
    modes = list(CPUS) if options.mode == "both" else [options.mode]
    if "split" in modes and len(os.sched_getaffinity(0)) < 2:
        sys.exit("mode split needs two CPUs; use --mode same")
    cells = [(mode, connections, size) for mode in modes
             for connections in options.connections for size in options.sizes]
    total = len(cells) * options.rounds * (2 * len(names) + 1) * (1.2 * options.seconds + 0.3)
    print(f"{len(cells)} cells, about {total / 60:.0f} min", file=sys.stderr)
    print("| mode | connections | bytes | server | req/s | CPU us/req | p50 us | p99 us "
          "| req/s ratio | CPU ratio | p50 ratio | p99 ratio | client CPU |")
    print("|---" * 13 + "|")
    rows = []
    failures = []
    for cell in cells:
        for row in echo_cell(programs, names, *cell, options, failures):
            rows.append(row)
            ratios = " | ".join(f"{row[figure + '_ratio']:.2f}" for figure in FIGURES)
            print(f"| {row['mode']} | {row['connections']} | {row['size']} | {row['server']} "
                  f"| {row['rps']:.0f} | {row['cpu_us']:.2f} | {row['p50_us']:.0f} "
                  f"| {row['p99_us']:.0f} | {ratios} | {row['client_cpu']:.2f} |", flush=True)
    print_echo_summary(rows)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return rows


def micro_once(program, test):
    done = subprocess.run(pinned("0", [program, "--only", test]), capture_output=True, text=True,
                          timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{program} --only {test}: exit {done.returncode} {done.stderr[:200]}")
    return json.loads(done.stdout)["ns_per_op"]


def run_micro(options):
    limit = find_program(options.build, "micro_minimal")
    ringio = find_program(options.build, "micro_ringio")
    if limit is None:
        sys.exit(f"{options.build}: no micro_minimal; build with RINGIO_BUILD_BENCHMARKS=ON")
    seen = {test: {"minimal": [], "ringio": [], "ratio": []} for test in MICRO_TARGETS}
    for _ in range(options.rounds):
        for test in random.sample(list(MICRO_TARGETS), len(MICRO_TARGETS)):
            before = micro_once(limit, test)
            seen[test]["minimal"].append(before)
            if ringio is None:
                continue
            try:
                measured = micro_once(ringio, test)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"failed: {error}", file=sys.stderr)
                continue
            after = micro_once(limit, test)
            seen[test]["ringio"].append(measured)
            seen[test]["ratio"].append(measured / math.sqrt(before * after))
    print("| test | minimal, ns | ringio, ns | ratio | aim |")
    print("|---|---|---|---|---|")
    rows = []
    for test, figures in seen.items():
        row = {"test": test, "aim": MICRO_TARGETS[test]}
        for name, values in figures.items():
            row[name] = statistics.median(values) if values else None
        rows.append(row)
        show = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
        print(f"| {test} | {show(row['minimal'], 1)} | {show(row['ringio'], 1)} "
              f"| {show(row['ratio'], 2)} | {show(row['aim'], 2)} |")
    return rows


def run_compile(options):
    command = [sys.executable, str(HERE / "compile" / "compile_time.py"),
               "--rounds", str(options.rounds), "--compilers", options.compilers]
    if options.json:
        command += ["--json", options.json]
    sys.exit(subprocess.run(command, timeout=3600).returncode)


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("echo", "micro", "compile"))
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"),
                        help="the build tree, or the folder with the programs (default: build)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="echo: length of a burst")
    parser.add_argument("--connections", type=numbers, default=[1, 64, 1000])
    parser.add_argument("--sizes", type=numbers, default=[64, 1024, 16384])
    parser.add_argument("--mode", choices=("split", "same", "both"), default="both",
                        help="server and client on a core each, or on one")
    parser.add_argument("--compilers", default="g++", help="compile: comma-separated")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    options = parser.parse_args()
    rows = {"echo": run_echo, "micro": run_micro, "compile": run_compile}[options.what](options)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
