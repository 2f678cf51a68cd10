"""Where a run took place, and where a program runs."""

import datetime
import math
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Debian's packages of the peers and of what the limits stand on.
PACKAGES = ("liburing-dev", "libasio-dev", "libuv1-dev", "golang-go", "python3", "python3-uvloop")


def pinned(cpu, command: list[str]) -> list[str]:
    """The command on one CPU, or on a list of them such as "0,1"."""
    return ["taskset", "-c", str(cpu), *command] if shutil.which("taskset") else list(command)


def find_program(build: pathlib.Path, name: str) -> str | None:
    """A program of the benchmarks, in a build tree or in the folder of the programs itself."""
    for folder in (build / "benchmarks", build):
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    return None


def find_python(module: str) -> str | None:
    """An interpreter that can import the module; Debian's is not always the first in PATH."""
    for interpreter in ("/usr/bin/python3", shutil.which("python3")):
        if interpreter and _output([interpreter, "-c", f"import {module}; print(1)"]):
            return interpreter
    return None


def missing(candidate: str, package: str) -> None:
    """Says why a candidate is left out."""
    print(f"{candidate} is left out: not built or not installed (Debian: {package})",
          file=sys.stderr)


def describe(build: pathlib.Path) -> dict:
    """What a reader must know to compare a run with another one."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _output(["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]),
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "system_call_ns": _system_call_ns(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": platform.release(),
        "system": _os_name(),
        "compiler": _compiler(build),
        "build_type": _cached(build, "CMAKE_BUILD_TYPE"),
        "packages": {name: version for name in PACKAGES if (version := _package(name))},
    }


def summary(machine: dict) -> str:
    """One paragraph of Markdown."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['memory_gib']} GiB; a system "
            f"call takes {machine['system_call_ns']} ns; "
            f"{machine['system']}, Linux {machine['kernel']}; {machine['compiler']}, "
            f"{machine['build_type']}; {packages}; commit {machine['commit']}, {machine['date']}.")


def _system_call_ns() -> int:
    """What getppid(2) takes, less what it takes to call it from Python; to 10 ns."""

    def best_of_calls(function) -> float:
        calls = range(20_000)
        best = math.inf
        for _ in range(5):
            began = time.perf_counter_ns()
            for _ in calls:
                function()
            best = min(best, (time.perf_counter_ns() - began) / len(calls))
        return best

    difference = best_of_calls(os.getppid) - best_of_calls(sys.getrecursionlimit)
    return int(round(difference, -1))


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _first_match(path: pathlib.Path, pattern: str) -> str:
    try:
        found = re.search(pattern, path.read_text(), re.MULTILINE)
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def _cpu_model() -> str:
    return (_first_match(pathlib.Path("/proc/cpuinfo"), r"^model name\s*:(.*)$")
            or platform.machine())


def _os_name() -> str:
    return _first_match(pathlib.Path("/etc/os-release"), r'^PRETTY_NAME="?([^"\n]*)')


def _cached(build: pathlib.Path, variable: str) -> str:
    return _first_match(build / "CMakeCache.txt", rf"^{variable}:\w+=(.*)$")


def _compiler(build: pathlib.Path) -> str:
    compiler = _cached(build, "CMAKE_CXX_COMPILER") or "c++"
    lines = _output([compiler, "--version"]).splitlines()
    return lines[0] if lines else compiler


def _package(name: str) -> str:
    return _output(["dpkg-query", "--show", "--showformat=${Version}", name])
