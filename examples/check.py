"""check.py PROGRAM EXPECTED: runs PROGRAM and compares what it prints.

EXPECTED.txt           standard output, byte for byte
EXPECTED.regex         standard output, one regular expression per line
EXPECTED.stderr.regex  standard error, likewise
"""

import difflib
import pathlib
import re
import subprocess
import sys


def differences(name: str, actual: str, expected: str) -> list[str]:
    if actual == expected:
        return []
    lines = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), f"expected {name}", f"actual {name}", lineterm=""
    )
    return list(lines) or [f"{name}: the texts differ in their last newline"]


def mismatches(name: str, actual: str, patterns: str) -> list[str]:
    actual_lines, pattern_lines = actual.splitlines(), patterns.splitlines()
    found = [
        f"{name}:{number}: '{line}' does not match '{pattern}'"
        for number, (line, pattern) in enumerate(zip(actual_lines, pattern_lines), 1)
        if not re.fullmatch(pattern, line)
    ]
    if len(actual_lines) != len(pattern_lines):
        found.append(f"{name}: {len(actual_lines)} lines instead of {len(pattern_lines)}")
    return found + ([f"--- {name} ---", actual] if found else [])


def main() -> int:
    program, expected = sys.argv[1:]
    result = subprocess.run(
        [program], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False
    )
    out = result.stdout.decode(errors="replace")
    err = result.stderr.decode(errors="replace")
    found = []
    for suffix, compare, name, actual in (
        (".txt", differences, "stdout", out),
        (".regex", mismatches, "stdout", out),
        (".stderr.regex", mismatches, "stderr", err),
    ):
        path = pathlib.Path(expected + suffix)
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                found += compare(name, actual, file.read())
    if result.returncode != 0:
        found += [f"exit status {result.returncode}", "--- stderr ---", err]
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
