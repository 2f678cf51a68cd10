"""What a File does with single requests, a copied file, a tree that is walked; suite.py's `files`."""

import os
import pathlib
import tempfile

from harness import jobs, machine
from harness.jobs import Job

MIB = 1 << 20
FOLDERS, FILES = 100, 1000  # of the tree that is walked
ALL = ["ringio"]


def run(name, options, build, make_file, takes_o_direct):
    parent = options.disk_folder or build
    mib = min(options.file_mib or 256, 256)
    with tempfile.TemporaryDirectory(prefix="ringio-files-", dir=parent) as folder:
        file, target, root = (str(pathlib.Path(folder, word)) for word in ("file", "copy", "tree"))
        make_file(file, mib * MIB)
        folders = FOLDERS // 10 if options.quick else FOLDERS
        make_tree(pathlib.Path(root), folders)
        requests = [*request_jobs(file, takes_o_direct(file))]
        first = jobs.run_jobs(name, requests, jobs.find_programs(build, {
            "liburing": (["disk_liburing"], "liburing-dev"),
            "ringio": (["disk_ringio"], "ringio"),
        }, options.only, ["liburing"]), options)
        trees = [*tree_jobs(file, target, root, mib, folders)]
        calls = machine.find_program(build, "tree_calls")
        programs = jobs.find_programs(build, {
            "calls": (["tree_calls"], ""),
            "ringio": (["tree_ringio"], "ringio"),
        }, options.only, ["calls"])
        programs.update({"read and write": [calls], "names counted": [calls]})
        second = jobs.run_jobs(name, trees, programs, options)
    return jobs.together([first, second])


def make_tree(root, folders):
    for folder in range(folders):
        path = root / f"{folder:03}"
        path.mkdir(parents=True)
        for file in range(FILES):
            os.close(os.open(path / f"file-{file:03}.txt", os.O_CREAT | os.O_WRONLY))


def request_jobs(file, takes_o_direct):
    def job(title, arguments):
        return Job(title, arguments, "liburing", "request", ALL, targets={"rate": 0.95},
                   operations=2000)

    for depth in (1, 32):
        yield job(f"reads of 4 KiB, page cache, {depth} at a time",
                  ["random", file, "cached", "{n}", str(depth)])
        yield job(f"writes of 4 KiB, page cache, {depth} at a time",
                  ["write", file, "cached", "{n}", str(depth)])
        if takes_o_direct:
            yield job(f"reads of 4 KiB, O_DIRECT, {depth} at a time",
                      ["random", file, "direct", "{n}", str(depth)])
    yield job("read(), 64 KiB one after the other, page cache", ["forward", file, "{n}"])
    yield job("write(), 64 KiB one after the other, page cache", ["overwrite", file, "{n}"])


def tree_jobs(file, target, root, mib, folders):
    yield Job(f"a file of {mib} MiB copied, page cache", ["copy", file, target], "calls", "MiB",
              ["read and write", "cp", *ALL], targets={"rate": 0.9}, operations=mib,
              better_of=("cp", "read and write"), further={"read and write": ["copied"]},
              plain={"cp": ["/bin/cp", file, target]},
              before=lambda: pathlib.Path(target).unlink(missing_ok=True))
    rounds = "1" if folders == FOLDERS else "3"
    yield Job(f"a tree of {folders * FILES:,} files walked", ["walk", root, rounds], "calls",
              "name", ["names counted", "find", *ALL], targets={"rate": 0.9}, cpus="0,1",
              further={"names counted": ["count"]}, operations=folders * FILES * int(rounds),
              plain={"find": ["/usr/bin/find", *[root] * int(rounds), "-false"]})
    yield Job("fs::stat(), one after the other", ["stat", root, "10"], "calls", "file", ALL)
