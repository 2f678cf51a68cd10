"""UDP echo; suite.py's `udp`, with its pairs of server and client and its tables."""

import dataclasses
import pathlib

from harness import bursts, machine
from harness.report import Report, Table, number
from net import suite

HERE = pathlib.Path(__file__).resolve().parent
SIZES = [64, 1400]
SHAPES = [(1, 1), (1, 64), (64, 1)]  # sockets, datagrams under way on each
MMSG = "recvmmsg"
TARGET = 1 / 0.9  # CPU per datagram, to the better of the two limits on io_uring
SERVERS = {
    suite.LIMIT: (["udp_limit", "--sockets", "{connections}"], "liburing-dev"),
    suite.TOGETHER: (["udp_limit", "--sockets", "{connections}", "--together", "1"],
                     "liburing-dev"),
    MMSG: (["udp_mmsg", "--sockets", "{connections}"], "libc6-dev"),
    "ringio": (["udp_ringio", "--sockets", "{connections}"], "liburing-dev"),
}
PYTHON = ["asyncio", "uvloop"]


@dataclasses.dataclass
class DatagramCell(suite.Cell):
    window: int = 1

    def load(self, pid):
        return [str(self.connections), str(self.size), str(pid), str(self.window)]

    def words(self):
        return f"{self.connections} × {self.window}, {suite.size_word(self.size)}"


def find_servers(build, only):
    wanted = [name.replace("_", " ") for name in only] if only else None
    found = {}
    for name, (command, package) in SERVERS.items():
        program = machine.find_program(build, command[0])
        if program is None:
            machine.missing(name, package)
        elif wanted is None or name in (suite.LIMIT, *wanted):
            found[name] = [program, *command[1:]]
    for name in PYTHON:
        interpreter = machine.find_python(name)
        if interpreter is None:
            machine.missing(name, "python3-uvloop")
        elif wanted is None or name in wanted:
            found[name] = [interpreter, str(HERE / "udp" / "asyncio_server.py"), "--loop", name,
                           "--sockets", "{connections}"]
    if suite.LIMIT not in found:
        raise RuntimeError(f"{build}: no udp_limit")
    return found


def run(options, build):
    mode = options.mode if options.mode in suite.MODES else "same"
    shapes = [shape for shape in SHAPES
              if not options.connections or shape[0] in options.connections]
    cells = [DatagramCell(mode, sockets, size, window=window) for sockets, window in shapes
             for size in options.sizes or SIZES]
    servers = find_servers(build, options.only)
    suite.run_cells(cells, servers, build, options, "udp_client")
    names = list(servers)
    tables = [targets(cells), ratios(cells, names, "cpu_us", "CPU per datagram"),
              ratios(cells, names, "rps", "datagrams per second"), figures(cells, names)]
    return Report("udp", tables, [], suite.failure_notes(cells), data=suite.cells_data(cells))


def targets(cells):
    noise = suite.noise_of(cells, "cpu_us")
    mean = suite.mean_of(cells, "ringio", "cpu_us", suite.to_the_better)
    mmsg = suite.mean_of(cells, MMSG, "cpu_us", suite.to_the_better)
    rows = []
    if mean:
        rows.append(["ringio: CPU per datagram", f"≤ {TARGET:.2f}", number(mean.value),
                     suite.verdict(mean.value, TARGET, noise)])
    if mmsg:
        rows.append(["recvmmsg, which io_uring has not", "", number(mmsg.value), ""])
    return Table("Geometric means over the cells, as ratios to the better of the two limits on "
                 f"io_uring; the noise is ±{noise:.0%}", ["what", "target", "ratio", ""], rows)


def ratios(cells, names, figure, words):
    rows = []
    for name in names:
        means = [cell.ratio(name, figure) for cell in cells]
        known = [mean for mean in means if mean]
        if known:
            rows.append([f"{name} (the noise)" if name == suite.LIMIT else name,
                         *(number(mean) for mean in means), number(bursts.geometric_mean(known))])
    return Table(f"Ratios to the limit: {words}, by sockets × datagrams under way on each",
                 ["server", *(cell.words() for cell in cells), "mean"], rows)


def figures(cells, names):
    rows = []
    for name in names:
        cpus = [cell.median(name, "cpu_us") for cell in cells]
        if any(cpus):
            rows.append([name, *(number(cpu) for cpu in cpus)])
    return Table("CPU per datagram, µs", ["server", *(cell.words() for cell in cells)], rows)
