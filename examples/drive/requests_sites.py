"""Eighty pages over HTTPS: each of those in examples/pages ten times, in whatever order."""

import collections
import pathlib
import re

import support

PAGES = pathlib.Path(__file__).parent.parent / "pages"

result = support.run()
support.check(result.returncode == 0 and result.stderr == "", result.stderr)
*lines, last = result.stdout.splitlines()
read = collections.Counter(
    re.sub(r" from https://127\.0\.0\.1:\d+/", " from ", line) for line in lines
)
wanted = {f"Read {page.stat().st_size} from {page.name}": 10 for page in PAGES.iterdir()}
support.check(read == wanted, result.stdout)
support.check(re.fullmatch(r"Downloaded 80 in \d+\.\d{3} seconds", last) is not None, last)
print("80 pages over HTTPS")
