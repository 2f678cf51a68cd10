"""Suites whose programs do one job, print a line of JSON (job.h), and end: a burst is a process.

Each program takes the same arguments, so a job is these, what one operation is, and a target."""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable

from harness import bursts, machine
from harness.report import Report, Table, number

# candidate: its command (a program of the build tree, or one of the system), and what brings it.
Programs = dict[str, tuple[list[str], str]]

FIGURES = {  # what a target may be about: its words, and whether more of it is better
    "rate": ("rate", True),
    "cpu_us": ("CPU", False),
    "blocked_us": ("stands still", False),
}


@dataclasses.dataclass
class Job:
    title: str
    arguments: list[str]       # {n} stands for how many operations make a burst
    reference: str             # the limit, or the first of several
    operation: str             # what is counted: "read", "MiB"
    candidates: list[str]      # the others
    operations_each: int = 1   # how many are counted for each that is asked for
    targets: dict[str, float] = dataclasses.field(default_factory=dict)  # of FIGURES, as ratios
    better_of: tuple[str, ...] = ()  # limits; a target is a ratio to the best of them
    target_beside: str = ""  # or to this candidate, where no limit says what to aim at
    operations: int = 100      # of a burst; where {n} is among the arguments, of a first try
    cpus: str = "0"
    further: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # words of some more
    # Commands that print no figures, and are timed from outside: their start is in it.
    plain: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    before: Callable[[], None] = lambda: None  # puts things in order before each burst


def find_programs(build: pathlib.Path, programs: Programs, only: list[str] | None,
                  limits: list[str]) -> dict[str, list[str]]:
    """{name: command} of those that are there, and wanted; a line for each that is not there."""
    found = {}
    wanted = [name.replace("_", " ") for name in only] if only else None
    for name, (command, source) in programs.items():
        if wanted is not None and name not in [*wanted, *limits]:
            continue
        first = command[0] if command[0].startswith("/") else \
            machine.find_program(build, command[0])
        if first is None:
            machine.missing(name, source)
        else:
            found[name] = [first, *command[1:]]
    for name in limits:
        if name not in found:
            raise RuntimeError(f"{build}: no {programs[name][0][0]}")
    return found


def run_job(job: Job, programs: dict[str, list[str]],
            options: argparse.Namespace) -> dict[str, bursts.Series]:
    names = [name for name in [job.reference, *job.candidates]
             if name in programs or name in job.plain]
    counts = _counts(job, programs, names, options)
    return bursts.alternate(names, job.reference,
                            lambda name: _once(job, programs, name, counts[name]), options.rounds)


def _counts(job: Job, programs: dict[str, list[str]], names: list[str],
            options: argparse.Namespace) -> dict[str, int]:
    """{name: how many operations make a burst of its}, which is not longer for who is slower."""
    if not any("{n}" in word for word in job.arguments):
        return dict.fromkeys(names, job.operations)
    counts = {}
    for name in names:
        rate = _once(job, programs, name, job.operations)["rate"] / job.operations_each
        counts[name] = max(job.operations // 10, 1, int(rate * options.seconds))
    return counts


def run_jobs(name: str, jobs: list[Job], programs: dict[str, list[str]],
             options: argparse.Namespace, notes: list[str] | None = None) -> Report:
    found = []
    for job in jobs:
        found.append((job, run_job(job, programs, options)))
        print(f"{job.title}: done", file=sys.stderr)
    tables = [_targets(found), *(_table(job, series) for job, series in found)]
    failures = [f"{job.title}, {who}: {len(one.failures)} bursts failed: {one.failures[0]}"
                for job, series in found for who, one in series.items() if one.failures]
    return Report(name, tables, [], [*(notes or []), *failures],
                  data={job.title: {who: one.data() for who, one in series.items()}
                        for job, series in found})


def together(reports: list[Report]) -> Report:
    """One report of several, with one table of targets."""
    first, *others = reports
    for one in others:
        first.tables[0].rows += one.tables[0].rows
        first.tables += one.tables[1:]
        first.notes += one.notes
        first.data.update(one.data)
    return first


def _once(job: Job, programs: dict[str, list[str]], name: str,
          operations: int) -> bursts.Figures:
    job.before()
    if name in job.plain:
        return _timed_from_outside(machine.pinned(job.cpus, job.plain[name]), operations)
    words = [word.replace("{n}", str(operations)) for word in job.arguments]
    command = [*programs[name], *words, *job.further.get(name, [])]
    return _figures(_output_of(machine.pinned(job.cpus, command)))


def _output_of(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise bursts.BurstFailed(f"exit {done.returncode}: {done.stderr.strip()[:300]}")
    return json.loads(done.stdout)


def _timed_from_outside(command: list[str], operations: int) -> bursts.Figures:
    """Of a program that prints no figures."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise bursts.BurstFailed(f"{command[-1]}: exit {process.returncode}")
    return _figures({"operations": operations, "seconds": time.perf_counter() - began,
                     "cpu_seconds": usage.ru_utime + usage.ru_stime})


def _figures(result: dict) -> bursts.Figures:
    count = result["operations"]
    figures = {"rate": count / result["seconds"], "cpu_us": result["cpu_seconds"] / count * 1e6}
    if "blocked_seconds" in result:
        figures["blocked_us"] = result["blocked_seconds"] / count * 1e6
    return figures


def _against_the_best(job: Job, series: dict[str, bursts.Series], name: str,
                      figure: str) -> float | None:
    """The ratio to that of the limits which is best here, or to whom the targets are about."""
    ratio = series[name].ratio(figure)
    if job.target_beside:
        peer = series[job.target_beside].ratio(figure) if job.target_beside in series else None
        return ratio / peer if ratio and peer else None
    more_is_better = FIGURES[figure][1]
    limits = [series[limit].ratio(figure) for limit in job.better_of if limit in series]
    best = (max if more_is_better else min)([1.0, *(one for one in limits if one)])
    return None if ratio is None else ratio / best


def _targets(found: list[tuple[Job, dict[str, bursts.Series]]]) -> Table:
    rows = []
    for job, series in found:
        for figure, target in job.targets.items():
            for name in (name for name in series if name.startswith("ringio")):
                rows += _target_rows(job, series, name, figure, target)
    return Table("Targets, as ratios to the best of the limits; `noise` is the limit against itself",
                 ["what", "figure", "target", "ratio", "noise", ""], rows, words=2)


def _target_rows(job: Job, series: dict[str, bursts.Series], name: str, figure: str,
                 target: float) -> list[list[str]]:
    ratio = _against_the_best(job, series, name, figure)
    if ratio is None:
        return []
    words, more_is_better = FIGURES[figure]
    met = ratio >= target if more_is_better else ratio <= target
    beside = f" (to {job.target_beside})" if job.target_beside else ""
    return [[f"{name}: {job.title}{beside}", words, f"{'≥' if more_is_better else '≤'} {target:.2f}",
             number(ratio), number(series[job.reference].ratio(figure)),
             "met" if met else "missed"]]


def _table(job: Job, series: dict[str, bursts.Series]) -> Table:
    has_blocked = any(one.median("blocked_us") is not None for one in series.values())
    rows = []
    for name, one in series.items():
        low, high = one.spread("rate") or (None, None)
        row = [name, _count(one.median("rate")), number(one.median("cpu_us")),
               number(one.ratio("rate")), number(one.ratio("cpu_us")),
               "-" if low is None else f"{low:.2f}-{high:.2f}"]
        if has_blocked:
            row += [number(one.median("blocked_us"), 0), number(one.ratio("blocked_us"))]
        rows.append(row)
    columns = ["", f"{job.operation}/s", f"CPU, µs/{job.operation}", "rate, ratio", "CPU, ratio",
               "spread of the rate"]
    if has_blocked:
        columns += ["stands still, µs", "ratio"]
    return Table(job.title, columns, rows)


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
