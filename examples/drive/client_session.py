"""Previews of all pages, each once; the first one again as a file; two errors."""

import re

import support

result = support.run()
support.check(result.returncode == 0 and result.stderr == "", result.stderr)
for page in support.PAGES.iterdir():
    wanted = support.preview(page.read_text(encoding="utf-8"))
    support.check(result.stdout.count(wanted) == 1, f"{page.name}: {result.stdout}")
match = re.search(r"(?m)^downloaded (\d+) bytes, (\d+) of them in the file$", result.stdout)
sizes = {page.stat().st_size for page in support.PAGES.iterdir()}
support.check(match is not None and match[1] == match[2] and int(match[1]) in sizes, result.stdout)
support.check(
    result.stdout.endswith("the server says 404\nno connection to 127.0.0.1\n"), result.stdout
)
print("previews, a download, two errors")
