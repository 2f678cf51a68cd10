"""Random reads of 4 KiB, 32 at a time, and a sequential copy, beside liburing in C."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from disk import files
from harness import bursts, machine
from harness.charts import bars
from harness.report import Report, Table, number

NAMES = {
    "disk": "random reads at depth 32 (page cache, O_DIRECT) and a sequential copy",
    "files": "File's requests beside liburing, copy_file() beside cp, walk() beside its calls",
}
REFERENCE = "liburing"

# candidate: its program, and what brings it
CANDIDATES = {
    "liburing": ("disk_liburing", "liburing-dev"),
    "ringio": ("disk_ringio", "ringio"),
    "asio": ("disk_asio", "Debian: libasio-dev 1.22 or newer"),
    "go": ("disk_go", "Debian: golang-go"),
    "pool of 4": ("disk_pool", ""),
}
MIB = 1 << 20
TARGET = 0.95  # of the reference's reads per second


def add_arguments(parser):
    parser.add_argument("--disk-folder", type=pathlib.Path, metavar="DIR",
                        help="where the files are made and removed (default: the build tree)")
    parser.add_argument("--file-mib", type=int, metavar="N",
                        help="size of the file (default: 1024; with --quick 128)")


def run(name, options, build):
    if name == "files":
        return files.run(name, options, build, make_file, takes_o_direct)
    programs = find_programs(build, options.only)
    size = (options.file_mib or (128 if options.quick else 1024)) * MIB
    copied = min(256 * MIB, size)
    parent = options.disk_folder or build
    free = shutil.disk_usage(parent).free
    if free < size + 2 * copied + 512 * MIB:
        raise RuntimeError(f"{parent} has {free // MIB} MiB left, {size // MIB} for a file are "
                           "wanted and more for its copy: --disk-folder DIR, --file-mib N")
    notes = []
    found = {}
    with tempfile.TemporaryDirectory(prefix="ringio-disk-", dir=parent) as folder:
        file, source, target = (str(pathlib.Path(folder, word))
                                for word in ("file", "source", "target"))
        make_file(file, size)
        # So many reads that a burst of the reference takes about the seconds asked for.
        found["random reads, page cache"] = measure_all(
            programs, options, ["random", file, "cached", "{reads}"], "kiops")
        if takes_o_direct(file):
            found["random reads, O_DIRECT"] = measure_all(
                programs, options, ["random", file, "direct", "{reads}"], "kiops")
        else:
            notes.append(f"No O_DIRECT: the file system of {parent} has none.")
        make_file(source, copied)
        make_file(target, copied)
        found["sequential copy, page cache"] = measure_all(
            programs, options, ["copy", source, target], "mib_per_second")
    return make_report(name, found, list(programs), notes)


def find_programs(build, only):
    programs = {}
    for who, (file, source) in CANDIDATES.items():
        if only is not None and who not in only and who != REFERENCE:
            continue
        program = machine.find_program(build, file)
        if program is None:
            print(f"{who} is left out: no {file} ({source})", file=sys.stderr)
        else:
            programs[who] = program
    if REFERENCE not in programs:
        raise RuntimeError(f"{build}: no {CANDIDATES[REFERENCE][0]}")
    return programs


def make_file(path, size):
    """Of bytes that no file system compresses, on the disk and in the page cache."""
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def takes_o_direct(path):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True


def measure_all(programs, options, arguments, rate):
    reads = 4096
    if "{reads}" in arguments:
        trial = once(programs[REFERENCE], arguments, reads)
        reads = max(reads, int(trial["kiops"] * 1000 * options.seconds))
    return rate, bursts.alternate(programs, REFERENCE,
                                  lambda who: once(programs[who], arguments, reads),
                                  options.rounds)


def once(program, arguments, reads):
    command = [program, *(word.format(reads=reads) for word in arguments)]
    done = subprocess.run(machine.pinned("0", command), capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise bursts.BurstFailed(f"exit {done.returncode}: {done.stderr.strip()[:300]}")
    result = json.loads(done.stdout)
    figures = {"mib_per_second": result["bytes"] / MIB / result["seconds"],
               "cpu_us_per_mib": result["cpu_seconds"] * 1e6 / (result["bytes"] / MIB)}
    if result["reads"]:
        figures["kiops"] = result["reads"] / result["seconds"] / 1000
        figures["cpu_ns"] = result["cpu_seconds"] * 1e9 / result["reads"]
    return figures


def make_report(name, found, names, notes):
    tables = []
    for title, (rate, series) in found.items():
        cpu = "cpu_ns" if rate == "kiops" else "cpu_us_per_mib"
        rows = []
        for who in names:
            one = series[who]
            rows.append([who, number(one.median(rate), 0), number(one.median(cpu), 0),
                         number(one.ratio(rate)), number(one.ratio(cpu)),
                         spread(one.spread(rate))])
        units = ["kIOPS", "CPU ns/read"] if rate == "kiops" else ["MiB/s", "CPU us/MiB"]
        tables.append(Table(title, ["", *units, "rate, ratio", "CPU, ratio", "spread of the rate"],
                            rows))
    chart = bars("disk", "Files: rate against liburing in C", list(found),
                 {who: [series[who].ratio(rate) for rate, series in found.values()]
                  for who in names if who != REFERENCE},
                 ylabel="ratio to liburing", reference=1.0,
                 targets=[TARGET if rate == "kiops" else None for rate, _ in found.values()])
    return Report(name, tables, [chart], notes,
                  data={title: {who: one.data() for who, one in series.items()}
                        for title, (_, series) in found.items()})


def spread(ends):
    return "-" if ends is None else f"{ends[0]:.2f}-{ends[1]:.2f}"
