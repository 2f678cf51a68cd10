"""TCP echo servers under a closed-loop load, beside the hand-written limit."""

import json
import os
import pathlib
import subprocess
import sys

from harness import bursts, machine
from harness.charts import bars
from harness.report import Report, Table, number

NAMES = {"echo": "TCP echo servers under a closed-loop load"}

# name: how the server is started
SERVERS = {
    "limit": ["echo_limit", "--port", "0", "--size", "{size}"],
    "ringio": ["echo_ringio", "--port", "0"],
    "asio": ["echo_asio", "--port", "0"],
}
REFERENCE = "limit"
CPUS = {"split": ("0", "1"), "same": ("0", "0")}  # mode: server's CPU, client's CPU
FIGURES = ("rps", "cpu_us", "p50_us", "p99_us")


def numbers(text):
    return [int(word) for word in text.split(",")]


def add_arguments(parser):
    parser.add_argument("--connections", type=numbers, default=[1, 64, 1000], metavar="N,…")
    parser.add_argument("--sizes", type=numbers, default=[64, 1024, 16384], metavar="BYTES,…")
    parser.add_argument("--mode", choices=("split", "same", "both"), default="both",
                        help="server and client on a core each, or on one")


def user_seconds(pid):
    """User time from /proc/<pid>/stat: in ticks, so only sums over many bursts mean much."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def burst(programs, name, mode, connections, size, seconds):
    """One server, one client, one figure of each kind."""
    server_cpu, client_cpu = CPUS[mode]
    command = [programs[name], *(word.format(size=size) for word in SERVERS[name][1:])]
    server = subprocess.Popen(machine.pinned(server_cpu, command), stdout=subprocess.PIPE,
                              text=True)
    try:
        words = server.stdout.readline().split()
        if len(words) != 2 or words[0] != "listening":
            raise bursts.BurstFailed(f"no 'listening <port>' but {words}")
        client = [programs["client"], words[1], str(connections), str(size), str(seconds),
                  str(server.pid)]
        done = subprocess.run(machine.pinned(client_cpu, client), capture_output=True, text=True,
                              timeout=30 + 3 * seconds)
        if done.returncode != 0:
            raise bursts.BurstFailed(done.stderr.strip() or f"exit {done.returncode}")
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


def find_programs(build, options):
    programs = {name: machine.find_program(build, command[0]) for name, command in SERVERS.items()}
    programs["client"] = machine.find_program(build, "echo_client")
    for needed in ("client", REFERENCE):
        if programs[needed] is None:
            raise RuntimeError(f"{build}: no echo_{needed}")
    names = [name for name in SERVERS if programs[name] is not None]
    if options.only:
        names = [name for name in names if name in options.only or name == REFERENCE]
    return programs, names


def summary(cells, names):
    """Geometric means of the ratios over all cells of a mode."""
    rows = []
    for mode in CPUS:
        for name in names:
            chosen = [series[name] for cell, series in cells if cell[0] == mode]
            means = []
            for figure in FIGURES:
                ratios = [one.ratio(figure) for one in chosen if one.ratio(figure) is not None]
                means.append(number(bursts.geometric_mean(ratios)) if ratios else None)
            if chosen:
                rows.append([mode, name, *means])
    return Table("Geometric means of the ratios; `limit` against itself is the noise",
                 ["mode", "server", "req/s", "CPU per request", "p50", "p99"], rows, words=2)


def run(name, options, build):
    programs, names = find_programs(build, options)
    modes = list(CPUS) if options.mode == "both" else [options.mode]
    if "split" in modes and len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("mode split needs two CPUs; use --mode same")
    wanted = [(mode, connections, size) for mode in modes
              for connections in options.connections for size in options.sizes]
    total = len(wanted) * options.rounds * (2 * len(names) + 1) * (1.2 * options.seconds + 0.3)
    print(f"{len(wanted)} cells, about {total / 60:.0f} min", file=sys.stderr)
    cells = []
    for cell in wanted:
        measure = lambda server: burst(programs, server, *cell, options.seconds)
        cells.append((cell, bursts.alternate(names, REFERENCE, measure, options.rounds)))
    rows = [[*cell, server, number(one.median("rps"), 0), number(one.median("cpu_us")),
             number(one.median("p50_us"), 0), number(one.median("p99_us"), 0),
             *(number(one.ratio(figure)) for figure in FIGURES), number(one.median("client_cpu"))]
            for cell, series in cells for server, one in series.items()]
    columns = ["mode", "connections", "bytes", "server", "req/s", "CPU us/req", "p50 us", "p99 us",
               "req/s ratio", "CPU ratio", "p50 ratio", "p99 ratio", "client CPU"]
    chart = bars("echo", "Echo: CPU per request against the hand-written limit",
                 [" ".join(map(str, cell)) for cell, _ in cells],
                 {server: [series[server].ratio("cpu_us") for _, series in cells]
                  for server in names}, ylabel="ratio", reference=1.0)
    return Report(name, [summary(cells, names), Table("All cells", columns, rows, words=4)],
                  [chart], data=[{"mode": cell[0], "connections": cell[1], "size": cell[2],
                                  **{server: one.data() for server, one in series.items()}}
                                 for cell, series in cells])
