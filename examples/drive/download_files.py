"""Every file is there after each of the three ways; in order, or all of them begun before the first ends."""

import pathlib
import re

import support

PAGES = pathlib.Path(__file__).parent.parent / "pages"
NAMES = sorted(page.name for page in PAGES.iterdir())
BYTES = sum(page.stat().st_size for page in PAGES.iterdir())

result = support.run()
support.check(result.returncode == 0 and result.stderr == "", result.stderr)
ways = re.split(r"(?m)^(one after another|at the same time|in threads)$\n", result.stdout)[1:]
support.check(ways[::2] == ["one after another", "at the same time", "in threads"], result.stdout)

for way, text in zip(ways[::2], ways[1::2]):
    lines = text.splitlines()
    started = [line.split("-> ")[1] for line in lines if line.startswith("[+] 开始下载图片-> ")]
    ended = [line.split(": ")[1] for line in lines if line.startswith("[+] 下载完成: ")]
    support.check(sorted(started) == sorted(ended) == NAMES, f"{way}:\n{text}")
    if way == "one after another":
        support.check(started == ended == NAMES, f"{way}:\n{text}")
    if way == "at the same time":
        first_end = next(i for i, line in enumerate(lines) if "完成" in line)
        support.check(started == NAMES and first_end == len(NAMES), f"{way}:\n{text}")
    total = rf"{len(NAMES)} files, {BYTES} bytes, \d+\.\d{{3}} s"
    support.check(re.fullmatch(total, lines[-1]) is not None, lines[-1])
print(f"{len(NAMES)} files, three ways")
