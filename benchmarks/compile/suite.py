"""What it costs to compile two programs on ringio, beside the same on Asio, and how large they are:
hello_*.cpp says hello, echo_*.cpp is an echo server with three clients that are gathered."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import bursts, machine
from harness.charts import bars
from harness.report import Report, Table, number

NAMES = {"compile": "time and memory to compile a hello-world and an echo, size of the programs"}
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = machine.REPOSITORY / "include"
REFERENCE = "asio"
LIBRARIES = ("ringio", "asio")
UNITS = ("hello", "echo")
LEVELS = ("-O0", "-O2")
TARGET = {"hello": 0.5, "echo": None}  # of Asio's time

# Asio before 1.24 does not see that clang has coroutines.
CLANG_FLAGS = ("-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1")


def add_arguments(parser):
    parser.add_argument("--compilers", default="g++,clang++-19", type=lambda text: text.split(","),
                        help="comma-separated (default: g++,clang++-19)")


def run(name, options, build):
    compilers = [one for one in options.compilers if shutil.which(one) is not None]
    for missing in set(options.compilers) - set(compilers):
        print(f"{missing} is left out: not found (Debian: {missing.replace('++', '')})",
              file=sys.stderr)
    notes, data = [], []
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = pathlib.Path(name_of_folder)
        for unit in UNITS:
            for compiler in compilers:
                for level in LEVELS:
                    measure = lambda library: compile_once(compiler, level, unit, library, folder)
                    data.append({"unit": unit, "compiler": compiler, "flags": level,
                                 "series": bursts.alternate(["ringio"], REFERENCE, measure,
                                                            options.rounds)})
        sizes = static_sizes(compilers[0], build, folder, notes) if compilers else {}
    return make_report(name, data, sizes, notes)


def command_for(compiler, level, unit, library):
    flags = CLANG_FLAGS if library == "asio" and "clang" in compiler else ()
    return [compiler, "-std=c++20", level, f"-I{INCLUDE}", *flags, str(HERE / f"{unit}_{library}.cpp")]


def compile_once(compiler, level, unit, library, folder):
    """User time and the peak of memory, of the compiler and what it starts."""
    complaints = folder / "complaints"
    with complaints.open("w") as sink:
        process = subprocess.Popen(
            [*command_for(compiler, level, unit, library), "-c", "-o", str(folder / "out.o")],
            stderr=sink, env=dict(os.environ, CCACHE_DISABLE="1"))
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        first = "\n".join(complaints.read_text().splitlines()[:5])
        raise bursts.BurstFailed(f"{unit}_{library}.cpp, {compiler}: {first}")
    return {"seconds": usage.ru_utime, "mib": usage.ru_maxrss / 1024}


def static_sizes(compiler, build, folder, notes):
    """Bytes of the programs, stripped: {unit: {library: bytes}}."""
    archive = build / "src" / "libringio.a"
    if not archive.is_file():
        notes.append(f"No sizes: {archive} is missing.")
        return {}
    sizes = {}
    for unit in UNITS:
        sizes[unit] = {}
        for library in LIBRARIES:
            program = folder / f"{unit}_{library}"
            rest = ([str(HERE / "static_fmt.cpp"), str(archive), "-luring"]
                    if library == "ringio" else [])
            done = subprocess.run([*command_for(compiler, "-O2", unit, library), *rest, "-pthread",
                                   "-static", "-s", "-o", str(program)],
                                  capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                notes.append(f"No size of {unit}_{library}: it does not link statically.")
                print("\n".join(done.stderr.splitlines()[:10]), file=sys.stderr)
                continue
            subprocess.run([str(program)], stdout=subprocess.DEVNULL, timeout=30, check=True)
            sizes[unit][library] = program.stat().st_size
    return sizes


def make_report(name, data, sizes, notes):
    rows = []
    for cell in data:
        ringio, asio = (cell["series"][library] for library in LIBRARIES)
        rows.append([cell["unit"], cell["compiler"], cell["flags"],
                     number(ringio.median("seconds")), number(asio.median("seconds")),
                     number(ringio.ratio("seconds")), number(TARGET[cell["unit"]]),
                     number(ringio.median("mib"), 0), number(asio.median("mib"), 0),
                     number(ringio.ratio("mib"))])
    tables = [Table("User time and peak memory of the compiler",
                    ["unit", "compiler", "flags", "ringio, s", "asio, s", "ratio", "target",
                     "ringio, MiB", "asio, MiB", "ratio"], rows, words=3)]
    if sizes:
        tables.append(Table(
            "The program, -O2, static and stripped", ["unit", "ringio, KiB", "asio, KiB", "ratio"],
            [[unit, *size_cells(found.get("ringio"), found.get("asio"))]
             for unit, found in sizes.items()]))
    chart = bars("compile", "Time to compile against Asio",
                 [f"{cell['unit']}, {cell['compiler']} {cell['flags']}" for cell in data],
                 {"ringio": [cell["series"]["ringio"].ratio("seconds") for cell in data]},
                 ylabel="ratio to Asio", reference=1.0,
                 targets=[TARGET[cell["unit"]] for cell in data])
    times = [{**cell, "series": {who: one.data() for who, one in cell["series"].items()}}
             for cell in data]
    return Report(name, tables, [chart], notes, data={"times": times, "sizes": sizes})


def size_cells(ringio, asio):
    kib = lambda size: None if size is None else size / 1024
    return [number(kib(ringio), 0), number(kib(asio), 0),
            number(ringio / asio if ringio and asio else None)]
