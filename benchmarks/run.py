#!/usr/bin/env python3
"""Runs benchmarks and prints Markdown tables. Without --build it builds the preset `bench` first.

    benchmarks/run.py all --write-docs      everything, into docs/performance.md
    benchmarks/run.py micro --quick         a look at one suite

Suites:
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(HERE))

from harness import machine, report

FOLDERS = ("micro", "net", "tls", "http_client", "disk", "process", "local", "pools", "compile", "counts")
PAGE = REPOSITORY / "docs" / "performance.md"


def find_suites() -> dict:
    """{name: module}, in the order in which they are run and documented."""
    suites = {}
    for folder in FOLDERS:
        if (HERE / folder / "suite.py").is_file():
            module = importlib.import_module(f"{folder}.suite")
            suites.update(dict.fromkeys(module.NAMES, module))
    return suites


def parse_arguments(suites: dict) -> argparse.Namespace:
    names = "".join(f"    {name:10} {module.NAMES[name]}\n" for name, module in suites.items())
    parser = argparse.ArgumentParser(description=__doc__ + names,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", metavar="SUITE", choices=[*suites, "all"])
    parser.add_argument("--rounds", type=int, help="how often each candidate takes its turn "
                        "(default: 5; with --quick 2)")
    parser.add_argument("--seconds", type=float, help="length of a burst where a suite runs for a "
                        "time (default: the suite's, or 1; with --quick a fifth of it)")
    parser.add_argument("--quick", action="store_true", help="less of everything: does it work?")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="CANDIDATE,…",
                        help="these beside the reference")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR",
                        help="a build tree that is ready, or the folder with the programs")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="all figures")
    parser.add_argument("--charts", type=pathlib.Path, metavar="DIR", help="charts as SVG")
    parser.add_argument("--write-docs", action="store_true",
                        help="writes docs/performance.md's generated blocks and its charts")
    parser.add_argument("--kernel", choices=["uring", "epoll", "auto"], help="what answers ringio's "
                        "requests (RINGIO_KERNEL); with epoll, net's limit is its server on epoll")
    for module in dict.fromkeys(suites.values()):
        if hasattr(module, "add_arguments"):
            module.add_arguments(parser.add_argument_group(", ".join(module.NAMES)))
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 2 if options.quick else 5
    if "all" in options.suites:
        options.suites = list(suites)
    return options


def options_for(suite, options: argparse.Namespace) -> argparse.Namespace:
    """With the suite's SECONDS, if it has its own, unless --seconds was given."""
    seconds = options.seconds
    if seconds is None:
        seconds = getattr(suite, "SECONDS", 1.0) * (0.2 if options.quick else 1.0)
    return argparse.Namespace(**{**vars(options), "seconds": seconds})


def build_preset() -> pathlib.Path:
    for command in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench"]):
        done = subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed; --build DIR takes a tree that is built already")
    return REPOSITORY / "build" / "bench"


def publish(found: report.Report, options: argparse.Namespace) -> None:
    print(f"\n## {found.name}\n\n{found.to_markdown()}", flush=True)
    if options.charts:
        found.save_charts(options.charts)
    if options.write_docs:
        on_epoll = options.kernel == "epoll"  # a block of its own, without charts
        drawn = not on_epoll and found.save_charts(PAGE.parent / "performance")
        report.write_block(PAGE, found.name + (" on epoll" if on_epoll else ""),
                           found.to_markdown("performance" if drawn else None))


def main() -> int:
    suites = find_suites()
    options = parse_arguments(suites)
    if options.kernel:
        os.environ["RINGIO_KERNEL"] = options.kernel
    build = options.build.resolve() if options.build else build_preset()
    where = machine.describe(build)
    if where["build_type"] not in ("", "Release"):
        print(f"{build} is a {where['build_type']} build: its figures mean nothing",
              file=sys.stderr)
    if os.getloadavg()[0] > 0.5:
        print(f"the load average is {os.getloadavg()[0]:.1f}: others use this machine",
              file=sys.stderr)
    print(machine.summary(where))
    everything = {"machine": where, "suites": {}}
    failed = []
    for name in options.suites:
        began = time.monotonic()
        try:
            found = suites[name].run(name, options_for(suites[name], options), build)
        except Exception:  # one suite that breaks does not cost the figures of the others
            traceback.print_exc()
            failed.append(name)
            continue
        publish(found, options)
        everything["suites"][name] = found.data
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        if options.json:
            options.json.write_text(json.dumps(everything, indent=1) + "\n")
    if options.write_docs:
        kernel = " on epoll" if options.kernel == "epoll" else ""
        report.write_block(PAGE, f"machine{kernel}", machine.summary(where))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
