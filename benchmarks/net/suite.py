"""TCP echo: the servers in echo/ under the load of echo/client.c, beside the limit on liburing.

A cell is a mode, a number of connections and a size of messages. In each cell every server is started
once with a client that stays connected; bursts then alternate over these pairs. The limit is there
twice, as the reference and as a candidate in a process of its own: its ratio is the noise."""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable

from harness import bursts, machine
from harness.charts import Chart, bars, lines
from harness.report import Report, Table, number

NAMES = {
    "echo": "TCP echo: requests, CPU per request and latency",
    "growth": "TCP echo: CPU per request from 1 to 10,000 connections",
    "udp": "UDP echo: CPU per datagram and datagrams per second",
    "unix": "the echo over Unix sockets",
    "sleepers": "TCP echo on one connection beside 64 that wait in a read with a timeout",
}
SECONDS = 0.2  # of a burst, unless --seconds is given

MODES = {"split": ("0", "1"), "same": ("0", "0")}  # the server's CPU, the client's
MODE_WORDS = {"split": "one core each", "same": "one core for both"}
CONNECTIONS = [1, 64, 1000, 10000]
SIZES = [64, 1024, 16384]
GROWTH = [1, 10, 100, 1000, 10000]
SLEEPERS = [0, 64]
PATIENCE = ["--patience", "3600"]  # an hour's timeout around each read

REFERENCE = "reference"
LIMIT = "limit"
TOGETHER = "limit together"
PYTHON = {
    "uvloop protocol": ["--loop", "uvloop", "--api", "protocol"],
    "uvloop streams": ["--loop", "uvloop", "--api", "streams"],
    "asyncio protocol": ["--loop", "asyncio", "--api", "protocol"],
    "asyncio streams": ["--loop", "asyncio", "--api", "streams"],
}
PYTHON_CONNECTIONS = 1000  # at most: beyond, a burst of theirs ends before each had its turn
# name: its command (a program of the build tree first), the Debian package without which it is not
SERVERS = {
    LIMIT: (["echo_limit", "--size", "{size}"], "liburing-dev"),
    TOGETHER: (["echo_limit", "--size", "{size}", "--together", "1"], "liburing-dev"),
    "ringio": (["echo_ringio_low_level"], "liburing-dev"),
    "ringio streams": (["echo_ringio_streams"], "liburing-dev"),
    "ringio readline": (["echo_ringio_streams", "--lines"], "liburing-dev"),
    "ringio together": (["echo_ringio_low_level", "--together", "1"], "liburing-dev"),
    "ringio streams together": (["echo_ringio_streams", "--together", "1"],
                                       "liburing-dev"),
    "epoll": (["echo_epoll"], "libc6-dev"),
    "libuv": (["echo_libuv"], "libuv1-dev"),
    "asio": (["echo_asio", "--size", "{size}"], "libasio-dev"),
    "go": (["echo_go", "--size", "{size}"], "golang-go"),
}
# Against the better of the two limits, cell by cell.
CPU_TARGETS = {"ringio": 1.10, "ringio streams": 1.20, "ringio readline": 1.20}
P99_TARGET = 1.15
P99_CONNECTIONS = 1000
# Those that know --unix, as far as the suite `unix` asks them.
OVER_UNIX = [LIMIT, TOGETHER, "ringio", "ringio streams", "ringio readline", "epoll",
             "asyncio protocol", "asyncio streams"]
PATIENT = [LIMIT, TOGETHER, *(name for name in SERVERS if name.startswith("ringio"))]

HERE = pathlib.Path(__file__).resolve().parent


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--connections", type=numbers, metavar="N,…", help="these numbers of them")
    parser.add_argument("--sizes", type=numbers, metavar="BYTES,…", help="echo: these messages")
    parser.add_argument("--sleepers", type=numbers, metavar="N,…", help="sleepers: beside so many")
    parser.add_argument("--mode", choices=[*MODES, "both"], help="server and client on a core each "
                        "(split) or on one (same); default: split for growth, else both")


# ---- a server and its load ----


class Pair:
    """A server and the client that is connected to it. Both end with this process."""

    def __init__(self, command: list[str], client: str, cell: "Cell") -> None:
        server_cpu, client_cpu = MODES[cell.mode]
        self._processes: list[subprocess.Popen] = []
        try:
            words = [word.format(size=cell.size, connections=cell.connections)
                     for word in command]
            if cell.folder is not None:
                path = tempfile.mktemp(dir=cell.folder)  # the server makes it
                words += ["--unix", path]
            self._server = self._start(machine.pinned(server_cpu, words))
            port = self._expect(self._server, "listening", 20)[0]
            load = [client, port, *cell.load(self._server.pid)]
            self._client = self._start(machine.pinned(client_cpu, load))
            self._expect(self._client, "ready", 60)
        except BaseException:
            self.close()
            raise

    def burst(self, seconds: float) -> bursts.Figures:
        self._client.stdin.write(f"{seconds} seconds\n".encode())
        self._client.stdin.flush()
        measured = json.loads(self._line(self._client, 20 + 2 * seconds))
        requests = measured["requests"]
        if requests == 0:
            raise bursts.BurstFailed("no request completed")
        return {
            "rps": requests / measured["seconds"],
            "cpu_us": measured["server_cpu"] / requests * 1e6,
            "p50_us": measured["p50_us"],
            "p99_us": measured["p99_us"],
            "server_share": measured["server_cpu"] / measured["seconds"],
            "client_share": measured["client_cpu"] / measured["seconds"],
        }

    def close(self) -> None:
        for process in reversed(self._processes):  # the client first, which tells of lost servers
            process.kill()
        for process in self._processes:
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def _start(self, command: list[str]) -> subprocess.Popen:
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._processes.append(process)
        return process

    def _line(self, process: subprocess.Popen, patience: float) -> bytes:
        # No line is under way: programs write one per question.
        readable, _, _ = select.select([process.stdout], [], [], patience)
        line = process.stdout.readline() if readable else b""
        if not line:
            state = "says nothing" if process.poll() is None else f"ended: {process.returncode}"
            raise bursts.BurstFailed(f"{' '.join(process.args)} {state}")
        return line

    def _expect(self, process: subprocess.Popen, word: str, patience: float) -> list[str]:
        first, *rest = self._line(process, patience).decode().split()
        if first != word:
            raise bursts.BurstFailed(f"{' '.join(process.args)} said {first}, not {word}")
        return rest


# ---- measuring ----


@dataclasses.dataclass
class Cell:
    mode: str
    connections: int
    size: int
    sleepers: int = 0  # further connections, which say nothing
    folder: str | None = None  # of Unix sockets, in place of TCP
    series: dict[str, bursts.Series] = dataclasses.field(default_factory=dict)

    def load(self, pid: int) -> list[str]:
        """The client's arguments behind the address."""
        return [str(self.connections), str(self.size), str(pid), str(self.sleepers)]

    def ratio(self, name: str, figure: str) -> float | None:
        return self.series[name].ratio(figure) if name in self.series else None

    def median(self, name: str, figure: str) -> float | None:
        return self.series[name].median(figure) if name in self.series else None


def servers_of_kernel() -> dict[str, tuple[list[str], str]]:
    """Where ringio is told to do without io_uring, the limit is the best that epoll gives."""
    if os.environ.get("RINGIO_KERNEL") != "epoll":
        return SERVERS
    alone = {name: server for name, server in SERVERS.items() if not name.endswith("together")}
    return {**alone, LIMIT: SERVERS["epoll"]}


def find_servers(build: pathlib.Path, only: list[str] | None) -> dict[str, list[str]]:
    """{name: command} of those that are there and wanted, the limit first; a line for the rest."""
    found = {}
    wanted = [name.replace("_", " ") for name in only] if only else None
    for name, (command, package) in servers_of_kernel().items():
        program = machine.find_program(build, command[0])
        if program:
            found[name] = [program, *command[1:]]
        elif wanted is None or name in wanted:
            print(f"{name}: not built (Debian: {package})", file=sys.stderr)
    for name, arguments in PYTHON.items():
        interpreter = machine.find_python(name.split()[0])
        if interpreter:
            found[name] = [interpreter, str(HERE / "echo" / "asyncio_server.py"), *arguments]
        elif wanted is None or name in wanted:
            print(f"{name}: missing (Debian: python3-uvloop)", file=sys.stderr)
    if LIMIT not in found:
        raise RuntimeError(f"{build}: no echo_limit")
    if wanted is not None:
        for name in wanted:
            if name not in [*SERVERS, *PYTHON]:
                raise RuntimeError(f"no such server: {name}; there are "
                                   f"{', '.join([*SERVERS, *PYTHON])}")
        found = {name: command for name, command in found.items()
                 if name == LIMIT or name in wanted}
    return found


def allow_descriptors() -> None:
    """For the programs that this one starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run_cell(cell: Cell, servers: dict[str, list[str]], client: str,
             options: argparse.Namespace) -> None:
    names = [name for name in servers
             if name not in PYTHON or cell.connections <= PYTHON_CONNECTIONS]
    pairs: dict[str, Pair] = {}
    with contextlib.ExitStack() as stack:

        def start(name: str) -> None:
            command = servers[LIMIT if name == REFERENCE else name]
            pairs[name] = Pair(command, client, cell)
            stack.callback(pairs[name].close)

        def measure(name: str) -> bursts.Figures:
            if name not in pairs:
                start(name)
            try:
                return pairs[name].burst(options.seconds)
            except (bursts.BurstFailed, OSError) as error:
                pairs.pop(name).close()
                raise bursts.BurstFailed(str(error)) from error

        for name in [REFERENCE, *names]:
            with contextlib.suppress(bursts.BurstFailed):  # measure() tries again, and tells
                start(name)
        cell.series = bursts.alternate(names, REFERENCE, measure, options.rounds)


def run_cells(cells: list[Cell], servers: dict[str, list[str]], build: pathlib.Path,
              options: argparse.Namespace, client_name: str = "echo_client") -> None:
    client = machine.find_program(build, client_name)
    if client is None:
        raise RuntimeError(f"{build}: no {client_name}")
    if any(cell.mode == "split" for cell in cells) and len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("mode split needs two CPUs; use --mode same")
    allow_descriptors()
    each = 1.2 * options.seconds + 0.02
    total = len(cells) * options.rounds * (2 * len(servers) + 1) * each
    print(f"{len(cells)} cells, {len(servers)} servers: about {total / 60:.0f} min",
          file=sys.stderr)
    for at, cell in enumerate(cells, 1):
        run_cell(cell, servers, client, options)
        noise = number(cell.ratio(LIMIT, "cpu_us"))
        print(f"[{at}/{len(cells)}] {cell.mode} {cell.connections} x {cell.size}: "
              f"{number(cell.median(REFERENCE, 'cpu_us'))} us, the limit again {noise}",
              file=sys.stderr)


# ---- what was found ----


@dataclasses.dataclass
class Mean:
    """The geometric mean of a ratio over cells, and how uncertain it is."""
    value: float
    cells: int


def mean_of(cells: list[Cell], name: str, figure: str,
            ratio_in: Callable[[Cell, str, str], float | None] | None = None) -> Mean | None:
    ratio_in = ratio_in or Cell.ratio
    ratios = [ratio for cell in cells if (ratio := ratio_in(cell, name, figure)) is not None]
    return Mean(bursts.geometric_mean(ratios), len(ratios)) if ratios else None


def to_the_better(cell: Cell, name: str, figure: str) -> float | None:
    """The ratio to that of the two limits which is better in this cell."""
    ratio = cell.ratio(name, figure)
    return None if ratio is None else ratio / min(1.0, cell.ratio(TOGETHER, figure) or 1.0)


def noise_of(cells: list[Cell], figure: str) -> float:
    """What the mean of the limit against itself may be off by, as a part of 1: where it is, and
    twice its standard error. A difference below that is a tie."""
    logs = [math.log(ratio) for cell in cells
            if (ratio := cell.ratio(LIMIT, figure)) is not None]
    if not logs:
        return math.nan
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
    return abs(statistics.fmean(logs)) + 2 * error


def verdict(value: float, target: float, noise: float) -> str:
    word = "met" if value <= target else "missed"
    return f"{word}, by less than the noise" if abs(math.log(value / target)) < noise else word


def size_word(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} B"


def names_in(cells: list[Cell]) -> list[str]:
    found = {name for cell in cells for name, series in cell.series.items() if series.ratios}
    return [name for name in [*SERVERS, *PYTHON] if name in found]


def summary_table(cells: list[Cell], mode: str) -> Table:
    noise = noise_of(cells, "cpu_us")
    rows = []
    for name in names_in(cells):
        means = {figure: mean_of(cells, name, figure)
                 for figure in ("cpu_us", "rps", "p50_us", "p99_us")}
        best = mean_of(cells, name, "cpu_us", to_the_better)
        rows.append([f"{name} (the noise)" if name == LIMIT else name,
                     *(number(mean.value if mean else None) for mean in means.values()),
                     number(best.value if best else None),
                     f"{means['cpu_us'].cells} of {len(cells)}"])
    return Table(f"Server and client on {MODE_WORDS[mode]}: ratios to the limit, geometric means "
                 f"over cells; the noise of CPU per request is ±{noise:.0%}",
                 ["server", "CPU per request", "req/s", "p50", "p99", "CPU, the better limit", "cells"],
                 rows)


def p99_table(cells: list[Cell]) -> Table | None:
    chosen = [cell for cell in cells if cell.connections == P99_CONNECTIONS]
    if not chosen:
        return None
    rows = []
    for name in names_in(chosen):
        rows.append([name, *(number(cell.ratio(name, "p99_us")) for cell in chosen)])
    rows.insert(0, ["the limit's, ms", *(number((cell.median(REFERENCE, "p99_us") or 0) / 1000, 1)
                                         for cell in chosen)])
    return Table(f"p99 at {P99_CONNECTIONS:,} connections, ratios to the limit",
                 ["server", *(f"{size_word(cell.size)}, {cell.mode}" for cell in chosen)], rows)


def targets_table(cells: list[Cell]) -> Table:
    rows = []
    for name, target in CPU_TARGETS.items():
        for mode in MODES:
            chosen = [cell for cell in cells if cell.mode == mode]
            mean = mean_of(chosen, name, "cpu_us", to_the_better)
            if mean:
                noise = noise_of(chosen, "cpu_us")
                rows.append([f"{name}: CPU per request", MODE_WORDS[mode], f"≤ {target:.2f}",
                             number(mean.value), verdict(mean.value, target, noise)])
    thousand = [cell for cell in cells if cell.connections == P99_CONNECTIONS]
    for name in CPU_TARGETS:
        for mode in MODES:
            chosen = [cell for cell in thousand if cell.mode == mode
                      and to_the_better(cell, name, "p99_us") is not None]
            if chosen:
                worst = max(chosen, key=lambda cell: to_the_better(cell, name, "p99_us"))
                value = to_the_better(worst, name, "p99_us")
                noise = max(abs(math.log(cell.ratio(LIMIT, "p99_us") or 1)) for cell in chosen)
                rows.append([f"{name}: p99 at {P99_CONNECTIONS:,} connections, the worst size "
                             f"({size_word(worst.size)})", MODE_WORDS[mode],
                             f"≤ {P99_TARGET:.2f}", number(value),
                             verdict(value, P99_TARGET, noise)])
    return Table("Targets", ["what", "server and client on", "target", "ratio to the better limit", ""],
                 rows, words=2)


def full_table(cells: list[Cell]) -> Table:
    rows = []
    for cell in cells:
        for name in names_in([cell]):
            one = cell.series[name]
            low, high = one.spread("cpu_us")
            rows.append([
                cell.mode, name, f"{cell.connections:,}", size_word(cell.size),
                f"{one.median('rps'):,.0f}", number(one.median("cpu_us")),
                number(one.median("p50_us"), 0), number(one.median("p99_us"), 0),
                number(one.ratio("rps")), f"{one.ratio('cpu_us'):.2f} ({low:.2f}-{high:.2f})",
                number(one.ratio("p50_us")), number(one.ratio("p99_us")),
                f"{one.median('server_share'):.0%}", f"{one.median('client_share'):.0%}"])
    return Table("Every cell: figures, then ratios to the limit (CPU: least and largest), then what "
                 "share of a core server and client used",
                 ["mode", "server", "connections", "message", "req/s", "CPU, µs", "p50, µs",
                  "p99, µs", "req/s ratio", "CPU ratio", "p50 ratio", "p99 ratio", "server",
                  "client"], rows, words=2)


def client_note(cells: list[Cell]) -> str:
    """Where the client was busier than the limit's server, it may have been the bottleneck."""
    split = [cell for cell in cells if cell.mode == "split"]
    busier = [cell for cell in split if (cell.median(REFERENCE, "client_share") or 0)
              > (cell.median(REFERENCE, "server_share") or 0)]
    words = ", ".join(f"{cell.connections:,} × {size_word(cell.size)}" for cell in busier)
    return ("With a core each, the client was busier than the limit in "
            f"{len(busier)} of {len(split)} cells{f' ({words})' if words else ''}: there req/s and "
            "latency of the fastest servers say as much about the client as about them, and only "
            "the CPU time per request compares them." if split else "")


def echo_charts(cells: list[Cell]) -> list[Chart]:
    names = [name for name in names_in(cells) if name != LIMIT]
    series = {}
    for mode in MODES:
        chosen = [cell for cell in cells if cell.mode == mode]
        if chosen:
            means = [mean_of(chosen, name, "cpu_us") for name in names]
            series[MODE_WORDS[mode]] = [mean.value if mean else None for mean in means]
    return [bars("echo-cpu", "TCP echo: CPU per request, ratio to the limit on liburing", names,
                 series, ylabel="ratio to the limit", log=True, reference=1.0,
                 targets=[CPU_TARGETS.get(name) for name in names],
                 alt="bars: CPU per echoed request of each server as a ratio to the limit")]


def cells_data(cells: list[Cell]) -> list[dict]:
    return [{"mode": cell.mode, "connections": cell.connections, "size": cell.size,
             "sleepers": cell.sleepers,
             "servers": {name: one.data() for name, one in cell.series.items()}}
            for cell in cells]


def failure_notes(cells: list[Cell]) -> list[str]:
    return [f"{cell.mode}, {cell.connections:,} × {size_word(cell.size)}, {name}: "
            f"{len(one.failures)} bursts failed: {one.failures[0]}"
            for cell in cells for name, one in cell.series.items() if one.failures]


def run_echo(options: argparse.Namespace, build: pathlib.Path) -> Report:
    modes = [options.mode] if options.mode in MODES else list(MODES)
    connections = options.connections or ([64, 1000] if options.quick else CONNECTIONS)
    sizes = options.sizes or ([64, 16384] if options.quick else SIZES)
    cells = [Cell(mode, many, size) for mode in modes for many in connections for size in sizes]
    servers = find_servers(build, options.only)
    run_cells(cells, servers, build, options)
    tables = [targets_table(cells)]
    tables += [summary_table([cell for cell in cells if cell.mode == mode], mode)
               for mode in modes]
    tables += [table for table in [p99_table(cells)] if table is not None]
    tables.append(full_table(cells))
    notes = [client_note(cells)]
    if any(name in servers for name in PYTHON) and max(connections) > PYTHON_CONNECTIONS:
        notes.append(f"Python's servers take part up to {PYTHON_CONNECTIONS:,} connections.")
    return Report("echo", tables, echo_charts(cells), [note for note in notes if note] +
                  failure_notes(cells), data=cells_data(cells))


# ---- unix ----


def run_unix(options: argparse.Namespace, build: pathlib.Path) -> Report:
    mode = options.mode if options.mode in MODES else "same"
    servers = {name: command for name, command in find_servers(build, options.only).items()
               if name in OVER_UNIX}
    with tempfile.TemporaryDirectory(prefix="ringio-") as folder:
        cells = [Cell(mode, many, size, folder=folder)
                 for many in options.connections or [1, 64]
                 for size in options.sizes or [64, 16384]]
        run_cells(cells, servers, build, options)
    return Report("unix", [targets_table(cells), summary_table(cells, mode), full_table(cells)], [],
                  failure_notes(cells), data=cells_data(cells))


# ---- growth ----


def growth_tables(cells: list[Cell]) -> list[Table]:
    columns = [f"{cell.connections:,}" for cell in cells]
    rows = [["the limit, µs", *(number(cell.median(REFERENCE, "cpu_us")) for cell in cells)]]
    for name in names_in(cells):
        rows.append([f"{name} (the noise)" if name == LIMIT else name,
                     *(number(cell.ratio(name, "cpu_us")) for cell in cells)])
    tables = [Table("CPU per request by the number of connections, 64 B: the limit's, and ratios "
                    "to it", ["server", *columns], rows)]
    ends = {cell.connections: cell for cell in cells}
    if 100 in ends and 10000 in ends:

        def growth(name: str) -> float | None:
            few, many = ends[100].ratio(name, "cpu_us"), ends[10000].ratio(name, "cpu_us")
            return many / few if few and many else None

        # Few cells: what the limit seems to grow by beside itself is noise too.
        noise = max(noise_of(cells, "cpu_us"), abs(math.log(growth(LIMIT) or 1)))
        rows = [[name, "≤ 1.00", number(growth(name)), verdict(growth(name), 1.0, noise)]
                for name in CPU_TARGETS if growth(name)]
        rows.append(["limit (the noise)", "", number(growth(LIMIT)), ""])
        tables.insert(0, Table("Targets: growth of CPU per request from 100 to 10,000 connections, "
                               "ratio to the limit's growth",
                               ["server", "target", "ratio", ""], rows))
    return tables


def growth_chart(cells: list[Cell]) -> Chart:
    def microseconds(name: str) -> list[float | None]:
        # The ratio times the limit's figure: free of the drift between cells and bursts.
        pairs = [(cell.ratio(name, "cpu_us"), cell.median(REFERENCE, "cpu_us")) for cell in cells]
        return [ratio * base if ratio and base else None for ratio, base in pairs]

    series = {LIMIT: [cell.median(REFERENCE, "cpu_us") for cell in cells]}
    series.update({name: microseconds(name) for name in names_in(cells) if name != LIMIT})
    return lines("echo-growth", "TCP echo of 64 B: CPU per request by the number of connections",
                 [cell.connections for cell in cells], series, xlabel="connections",
                 ylabel="CPU per request, µs",
                 alt="lines: CPU per echoed request of each server, from 1 to 10,000 connections")


def run_growth(options: argparse.Namespace, build: pathlib.Path) -> Report:
    mode = options.mode if options.mode in MODES else "split"
    connections = options.connections or ([1, 100, 1000] if options.quick else GROWTH)
    cells = [Cell(mode, many, 64) for many in connections]
    servers = {name: command for name, command in find_servers(build, options.only).items()
               if name not in PYTHON or options.only}
    run_cells(cells, servers, build, options)
    return Report("growth", growth_tables(cells), [growth_chart(cells)], failure_notes(cells),
                  data=cells_data(cells))


# ---- sleepers ----


def sleepers_tables(cells: list[Cell]) -> list[Table]:
    columns = [f"{figure}, {cell.sleepers}, {cell.mode}" for figure in ("CPU", "p99")
               for cell in cells]
    figures = [(cell, figure) for figure in ("cpu_us", "p99_us") for cell in cells]
    rows = [["the limit, µs", *(number(cell.median(REFERENCE, figure)) for cell, figure in figures)]]
    for name in names_in(cells):
        rows.append([f"{name} (the noise)" if name == LIMIT else name,
                     *(number(cell.ratio(name, figure)) for cell, figure in figures)])
    return [Table("One connection that echoes 64 B beside sleepers (their number, the mode): CPU per "
                  "request and p99, the limit's and ratios to it", ["server", *columns], rows)]


def run_sleepers(options: argparse.Namespace, build: pathlib.Path) -> Report:
    modes = [options.mode] if options.mode in MODES else list(MODES)
    cells = [Cell(mode, 1, 64, many) for mode in modes for many in options.sleepers or SLEEPERS]
    servers = {name: [*command, *PATIENCE]
               for name, command in find_servers(build, options.only).items() if name in PATIENT}
    run_cells(cells, servers, build, options)
    return Report("sleepers", sleepers_tables(cells), [], failure_notes(cells),
                  data=cells_data(cells))


def run(name: str, options: argparse.Namespace, build: pathlib.Path) -> Report:
    if name == "udp":
        from net import datagrams  # which is made of this module
        return datagrams.run(options, build)
    runs = {"echo": run_echo, "unix": run_unix, "growth": run_growth, "sleepers": run_sleepers}
    return runs[name](options, build)
