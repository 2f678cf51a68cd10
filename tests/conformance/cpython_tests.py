"""CPython's own tests of asyncio: which there are, and which of them the catalogues speak of.

cpython_tests.txt lists the test methods of one version by file, as `run.py --record` found them in
the Python that ran it. A catalogue cites `streams: read_eof` or `locks: LockTests.repr`, several with `;` between them.
"""

import ast
import dataclasses
import pathlib
import re
import sysconfig

LIST = pathlib.Path(__file__).resolve().parent / "cpython_tests.txt"

# What stands before the colon in a catalogue, and the files where such tests are.
FILES = {
    "context": ["test_context.py"],
    "eager": ["test_eager_task_factory.py"],
    "futures": ["test_futures.py", "test_futures2.py"],
    "locks": ["test_locks.py"],
    "loop": ["test_base_events.py", "test_events.py"],
    "pep492": ["test_pep492.py"],
    "queues": ["test_queues.py"],
    "runners": ["test_runners.py"],
    "selector_events": ["test_selector_events.py"],
    "server": ["test_server.py"],
    "sendfile": ["test_sendfile.py"],
    "sock": ["test_sock_lowlevel.py"],
    "staggered": ["test_staggered.py"],
    "streams": ["test_streams.py"],
    "subprocess": ["test_subprocess.py"],
    "taskgroups": ["test_taskgroups.py"],
    "tasks": ["test_tasks.py"],
    "threads": ["test_threads.py"],
    "timeouts": ["test_timeouts.py"],
    "unix": ["test_unix_events.py"],
    "waitfor": ["test_waitfor.py"],
}

# Files of which nothing is compared, and why.
NOT_COVERED = {
    "test_buffered_proto.py": "protocols: ringio has streams in their place",
    "test_proactor_events.py": "the event loop of Windows",
    "test_protocols.py": "protocols: ringio has streams in their place",
    "test_ssl.py": "no TLS yet",
    "test_sslproto.py": "no TLS yet",
    "test_transports.py": "transports: ringio has streams in their place",
    "test_windows_events.py": "Windows",
    "test_windows_utils.py": "Windows",
}


@dataclasses.dataclass
class Row:
    """What is said of the tests of one file."""

    file: str
    tests: int
    verdicts: dict[str, int]

    def untold(self) -> int:
        return self.tests - sum(self.verdicts.values())


def write_list(version: str) -> None:
    folder = pathlib.Path(sysconfig.get_path("stdlib")) / "test" / "test_asyncio"
    lines = [f"the tests of asyncio in CPython {version}"]
    for path in sorted(folder.glob("test_*.py")):
        lines.append(path.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                lines += [
                    f"    {node.name}.{method.name.removeprefix('test_')}"
                    for method in ast.walk(node)
                    if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and method.name.startswith("test_")
                ]
    if len(lines) == 1:
        raise SystemExit(f"there are no tests of asyncio in {folder}")
    LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_list() -> dict[str, list[str]]:
    """`Class.method` by file."""
    tests: dict[str, list[str]] = {}
    for line in LIST.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith(" "):
            tests[list(tests)[-1]].append(line.strip())
        else:
            tests[line] = []
    return tests


def cited(source: str, tests: dict[str, list[str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """The (file, test) pairs that a source names, and the names that no test has."""
    found, unknown = [], []
    for part in source.split(";"):
        key, _, names = part.strip().partition(":")
        if key not in FILES:
            continue
        for name in re.sub(r"\([^)]*\)", "", names).split(","):
            matches = [
                (file, test)
                for file in FILES[key]
                for test in tests[file]
                if name.strip() in (test, test.partition(".")[2])
            ]
            found += matches
            if not matches:
                unknown.append(name.strip())
    return found, unknown


def coverage(entries: list) -> list[Row]:
    """Counts each test once: as the same if any entry that cites it says so."""
    tests = read_list()
    best: dict[tuple[str, str], str] = {}
    for verdict in ("n/a", "different", "pair"):
        for entry in entries:
            if entry.verdict == verdict:
                best |= dict.fromkeys(cited(entry.source, tests)[0], verdict)
    rows = []
    for file, names in tests.items():
        verdicts = [best[file, name] for name in names if (file, name) in best]
        counts = {each: verdicts.count(each) for each in ("pair", "different", "n/a")}
        rows.append(Row(file, len(names), counts))
    return rows


def table(entries: list) -> list[str]:
    """The part of the page that says which of CPython's tests it speaks of."""
    version = LIST.read_text(encoding="utf-8").partition("\n")[0].rpartition(" ")[2]
    rows = coverage(entries)
    covered = [row for row in rows if row.file not in NOT_COVERED]
    told = sum(row.tests - row.untold() for row in covered)
    lines = [
        "## Which of CPython's tests",
        "",
        f"CPython {version} has {sum(row.tests for row in rows)} test methods in `test_asyncio`,"
        f" {sum(row.tests for row in covered)} of them in the files that",
        f"this page covers; {told} of these are cited below. A method counts once, however many programs",
        "show what it tests. *Not looked at*: nobody has said yet whether ringio does the same.",
        "",
        "| CPython's test file | tests | the same | different on purpose | not applicable |"
        " not looked at |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in covered:
        numbers = (row.tests, *row.verdicts.values(), row.untold())
        lines.append(f"| `{row.file}` | " + " | ".join(map(str, numbers)) + " |")
    lines += ["", "| CPython's test file | tests | why it is not covered |", "|---|---:|---|"]
    lines += [
        f"| `{row.file}` | {row.tests} | {NOT_COVERED[row.file]} |"
        for row in rows
        if row.file in NOT_COVERED
    ]
    return lines
