"""run.py PROGRAM [AREA...]: does ringio behave as CPython's asyncio? Runs both and compares.

Each <area>.py and <area>_scenarios.cpp hold scenarios with the same ids. A scenario that needs a
newer Python than the one at hand is compared with what a newer one said: recorded/<area>.txt.
catalogue/<area>.txt says of each behaviour of asyncio whether there is a pair of scenarios for it,
or ringio differs on purpose (with the test that pins it), or it has no meaning in C++.

  --record       writes recorded/<area>.txt and the list of CPython's tests, with the Python that
                 runs this
  --write-docs   writes docs/conformance.md; without it, a page that is out of date is a failure
"""

import argparse
import ast
import concurrent.futures
import dataclasses
import datetime
import difflib
import os
import pathlib
import re
import subprocess
import sys

import cpython_tests

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "conformance.md"
OLDEST = (3, 11)
SKIPPED = 77
TIMEOUT = 120  # seconds, for one area on one side


@dataclasses.dataclass
class Entry:
    """One line of a catalogue."""

    id: str
    source: str
    verdict: str  # "pair", "different" or "n/a"
    reason: str = ""
    pin: str = ""


@dataclasses.dataclass
class Transcript:
    """What one side printed."""

    lines: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    since: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    repeated: list[str] = dataclasses.field(default_factory=list)
    errors: str = ""
    failure: str = ""


def areas() -> list[str]:
    return sorted(path.stem for path in (HERE / "catalogue").glob("*.txt"))


def parse(output: str) -> Transcript:
    transcript = Transcript()
    current: list[str] = []
    for line in output.splitlines():
        if not line.startswith("# "):
            current.append(line)
            continue
        name, _, since = line[2:].partition(" since ")
        if name in transcript.lines:
            transcript.repeated.append(name)
        current = transcript.lines[name] = []
        if since:
            major, minor = since.split(".")
            transcript.since[name] = (int(major), int(minor))
    return transcript


def execute(command: list[str]) -> Transcript:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("PYTHON") and key != "RINGIO_DEBUG"
    }
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
        transcript = parse(output.decode() if isinstance(output, bytes) else output)
        transcript.failure = f"{command[0]}: no end within {TIMEOUT} s"
        return transcript
    transcript = parse(done.stdout)
    transcript.errors = done.stderr
    if done.returncode != 0:
        transcript.failure = f"{' '.join(command)}: exit status {done.returncode}"
    return transcript


def run_python(area: str) -> Transcript:
    return execute([sys.executable, str(HERE / f"{area}.py")])


def recorded(area: str) -> dict[str, list[str]]:
    path = HERE / "recorded" / f"{area}.txt"
    if not path.exists():
        return {}
    header, _, rest = path.read_text(encoding="utf-8").partition("\n")
    if not header.startswith("recorded with Python "):
        raise SystemExit(f"{path}: the first line does not say with what it was recorded")
    return parse(rest).lines


def record() -> None:
    """Writes down what this Python says where an older one says something else."""
    version = ".".join(map(str, sys.version_info[:3]))
    cpython_tests.write_list(version)
    for area in areas():
        path = HERE / "recorded" / f"{area}.txt"
        transcript = run_python(area)
        if transcript.failure:
            raise SystemExit(transcript.failure)
        newer = [name for name in transcript.lines if name in transcript.since]
        if not newer:
            path.unlink(missing_ok=True)
            continue
        text = f"recorded with Python {version} on {datetime.date.today()}\n"
        for name in newer:
            if sys.version_info[:2] < transcript.since[name]:
                raise SystemExit(f"{name} needs a newer Python than {version}")
            text += "\n".join([f"# {name}", *transcript.lines[name]]) + "\n"
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old.partition("\n")[2] != text.partition("\n")[2]:  # the date alone is no news
            path.write_text(text, encoding="utf-8")


def read_catalogue(area: str, problems: list[str]) -> list[Entry]:
    path = HERE / "catalogue" / f"{area}.txt"
    tests = cpython_tests.read_list()
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.relative_to(ROOT)}:{number}"
        fields = [field.strip() for field in line.split("|")]
        verdict = fields[2] if len(fields) > 2 else ""
        if {"pair": 3, "different": 5, "n/a": 4}.get(verdict) != len(fields) or not all(fields):
            problems.append(f"{where}: not understood: {line}")
            continue
        entry = Entry(*fields)
        if not entry.id.startswith(area + "."):
            problems.append(f"{where}: {entry.id} is not in this area")
        if entry.verdict == "different":
            check_pin(where, entry.pin, problems)
        for name in cpython_tests.cited(entry.source, tests)[1]:
            problems.append(f"{where}: CPython has no such test: {name}")
        entries.append(entry)
    return entries


def check_pin(where: str, pin: str, problems: list[str]) -> None:
    """A difference on purpose must be pinned by a test that exists."""
    match = re.fullmatch(r'pinned by (tests/\S+)(?: "(.+)")?', pin)
    if match is None:
        problems.append(f'{where}: expected: pinned by tests/… "case name"')
        return
    path = ROOT / match[1]
    if not path.exists():
        problems.append(f"{where}: there is no {match[1]}")
    elif match[2] and f'"{match[2]}"' not in path.read_text(encoding="utf-8"):
        problems.append(f'{where}: {match[1]} has no test "{match[2]}"')


def compare(area: str, program: str, problems: list[str]) -> tuple[list[Entry], int]:
    """Compares one area; returns its catalogue and the number of equal scenarios."""
    python, cpp = run_python(area), execute([program, area])
    entries = read_catalogue(area, problems)
    for side, transcript in (("Python", python), ("C++", cpp)):
        if transcript.failure:
            last = list(transcript.lines)[-1:] or ["no scenario"]
            tail = "\n".join(transcript.errors.splitlines()[-15:])
            problems.append(f"{transcript.failure}, in {last[0]}\n{tail}")
        problems += [f"{name}: twice on the side of {side}" for name in transcript.repeated]

    known = [entry.id for entry in entries]
    problems += [f"{name}: twice in the catalogue" for name in set(known) if known.count(name) > 1]
    pairs = {entry.id for entry in entries if entry.verdict == "pair"}
    for name in sorted((python.lines.keys() | cpp.lines.keys()) - pairs):
        problems.append(f"{name}: no pair of this id in catalogue/{area}.txt")

    old = recorded(area)
    equal = 0
    for name in sorted(pairs):
        expected, actual = python.lines.get(name), cpp.lines.get(name)
        if expected is None or actual is None:
            problems.append(f"{name}: missing in {'Python' if expected is None else 'C++'}")
            continue
        if python.since.get(name, OLDEST) > sys.version_info[:2]:
            if name not in old:
                problems.append(f"{name}: not in recorded/{area}.txt; see --record")
                continue
            expected = old[name]
        if not expected:
            problems.append(f"{name}: a scenario that logs nothing proves nothing")
        elif expected == actual:
            equal += 1
        else:
            diff = difflib.unified_diff(expected, actual, "CPython", "ringio", lineterm="", n=100)
            problems.append("\n    ".join([f"{name}: ringio differs", *diff]))
    return entries, equal


def descriptions(area: str) -> dict[str, str]:
    """The first line of the docstring of each scenario, by id."""
    found = {}
    for node in ast.parse((HERE / f"{area}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.decorator_list:
            call = node.decorator_list[0]
            doc = ast.get_docstring(node)
            if isinstance(call, ast.Call) and call.args and doc:
                found[ast.literal_eval(call.args[0])] = doc.splitlines()[0]
    return found


def short(name: str) -> str:
    return name.partition(".")[2].replace("_", " ")


def count(entries: list[Entry], verdict: str) -> int:
    return sum(entry.verdict == verdict for entry in entries)


def page(catalogue: dict[str, list[Entry]]) -> str:
    everything = [entry for entries in catalogue.values() for entry in entries]
    lines = [
        "# Conformance with CPython's asyncio",
        "",
        "What asyncio does, and whether ringio does the same: for what ringio has of asyncio, not for",
        "all of it. The first table says which of CPython's test files are covered, and which are not.",
        "",
        "For each behaviour that is *the same* there is one small program in Python and one in C++",
        "(`tests/conformance/`); both are run by `ctest -L conformance` and must print the same lines.",
        "Python 3.11 is enough for that: what later versions do otherwise is compared with a transcript",
        "of one of them. What is *different on purpose* names its reason and the test that pins it.",
        "",
        "This page is generated: `tests/conformance/run.py PROGRAM --write-docs`.",
        "",
        *cpython_tests.table(everything),
        "",
        "## What is compared",
        "",
        "The behaviours below come from those tests, and from the documentation and the source.",
        "",
        f"**{count(everything, 'pair')} pairs of programs that print the same lines,"
        f" {count(everything, 'different')} behaviours that differ on purpose,"
        f" {count(everything, 'n/a')} that have no meaning here.**",
        "",
        "| area | the same | different on purpose | not applicable |",
        "|---|---:|---:|---:|",
    ]
    for area, entries in catalogue.items():
        numbers = (count(entries, verdict) for verdict in ("pair", "different", "n/a"))
        lines.append(f"| [{area}](#{area}) | " + " | ".join(map(str, numbers)) + " |")
    lines += [
        "",
        "The second column says where the behaviour comes from: a test method of CPython",
        "(`tasks: cancel` is `test_cancel` in `test_asyncio/test_tasks.py`, `loop` stands for",
        "`test_base_events.py` and `test_events.py`), its documentation (`docs`), its source",
        "(`source`), or what it does when it is run (`observed`).",
    ]
    for area, entries in catalogue.items():
        lines += ["", f"## {area}"]
        lines += section(area, entries)
    return "\n".join(lines) + "\n"


def section(area: str, entries: list[Entry]) -> list[str]:
    described = descriptions(area)
    lines = []
    same = [entry for entry in entries if entry.verdict == "pair"]
    if same:
        lines += ["", "| the same | source |", "|---|---|"]
        lines += [
            f"| {described.get(entry.id, short(entry.id))} | {entry.source} |" for entry in same
        ]
    different = [entry for entry in entries if entry.verdict == "different"]
    if different:
        lines += ["", "| different on purpose | source | what ringio does, and why | test |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| {short(entry.id)} | {entry.source} | {entry.reason} |"
            f" {entry.pin.removeprefix('pinned by ')} |"
            for entry in different
        ]
    absent = [entry for entry in entries if entry.verdict == "n/a"]
    if absent:
        lines += ["", "| not applicable | source | why |", "|---|---|---|"]
        lines += [f"| {short(entry.id)} | {entry.source} | {entry.reason} |" for entry in absent]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", help="ringio_conformance")
    parser.add_argument("areas", nargs="*", help="compare only these")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST:
        print("conformance: needs Python 3.11 or newer to compare with")
        return SKIPPED
    if arguments.record:
        record()
        return 0
    if arguments.program is None:
        parser.error("the program is missing")

    problems: list[str] = []
    chosen = arguments.areas or areas()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {area: [] for area in chosen}
        futures = {
            area: pool.submit(compare, area, arguments.program, found[area]) for area in chosen
        }
        results = {area: future.result() for area, future in futures.items()}
    for area in chosen:
        problems += found[area]

    catalogue = {area: entries for area, (entries, _) in results.items()}
    if not arguments.areas:
        text = page(catalogue)
        if arguments.write_docs:
            PAGE.parent.mkdir(exist_ok=True)
            PAGE.write_text(text, encoding="utf-8")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            problems.append(f"{PAGE.relative_to(ROOT)} is out of date: run.py PROGRAM --write-docs")
    for problem in problems:
        print(problem)
    entries = [entry for each in catalogue.values() for entry in each]
    equal = sum(number for _, number in results.values())
    print(
        f"conformance: {equal} of {count(entries, 'pair')} pairs equal,"
        f" {count(entries, 'different')} different on purpose, {count(entries, 'n/a')} n/a,"
        f" {len(problems)} problems"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
