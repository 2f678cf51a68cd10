#!/usr/bin/env python3
"""How long a translation unit takes to compile that says hello through ringio, beside one that says
it through Asio. Medians of alternating runs; the ratio is what counts."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# Asio before 1.24 does not see that clang has coroutines.
CLANG_FLAGS = ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]

SOURCES = {
    "ringio": """\
#include <ringio.hpp>
#include <cstdio>

ringio::Task<> hello() {
    co_await ringio::sleep(std::chrono::seconds(0));
    std::puts("hello, world");
}

int main() {
    ringio::run(hello());
}
""",
    "asio": """\
#include <asio.hpp>
#include <cstdio>

asio::awaitable<void> hello() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::seconds(0));
    co_await timer.async_wait(asio::use_awaitable);
    std::puts("hello, world");
}

int main() {
    asio::io_context context(1);
    asio::co_spawn(context, hello(), asio::detached);
    context.run();
}
""",
}


def compile_once(compiler, flags, source, output):
    """Seconds of CPU time, or the compiler's complaint."""
    command = [compiler, "-std=c++20", *flags, "-c", str(source), "-o", str(output)]
    environment = dict(os.environ, CCACHE_DISABLE="1")
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    after = os.times()
    if done.returncode != 0:
        return None, done.stderr
    return (after.children_user + after.children_system
            - before.children_user - before.children_system), ""


def measure(compiler, level, includes, rounds, directory):
    """Medians per library; one that does not compile is left out."""
    flags = [level, *(f"-I{path}" for path in includes)]
    if "clang" in compiler:
        flags += CLANG_FLAGS
    times = {}
    for name in SOURCES:
        source = directory / f"{name}.cpp"
        source.write_text(SOURCES[name])
        seconds, complaint = compile_once(compiler, flags, source, directory / "out.o")
        if seconds is None:
            first = "\n".join(complaint.splitlines()[:5])
            print(f"{name} does not compile, left out:\n{first}", file=sys.stderr)
        else:
            times[name] = []
    for _ in range(rounds):
        for name, seen in times.items():
            seen.append(compile_once(compiler, flags, directory / f"{name}.cpp",
                                     directory / "out.o")[0])
    return {name: statistics.median(seen) for name, seen in times.items()}


def main():
    repository = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compilers", default="g++", help="comma-separated (default: g++)")
    parser.add_argument("--include", action="append", default=[str(repository / "include")],
                        help="a further include directory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()

    results = []
    print("| compiler | flags | ringio, s | asio, s | ratio |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for compiler in options.compilers.split(","):
            if shutil.which(compiler) is None:
                sys.exit(f"{compiler}: not found")
            for level in ("-O0", "-O2"):
                medians = measure(compiler, level, options.include, options.rounds,
                                  pathlib.Path(directory))
                ringio, asio = medians.get("ringio"), medians.get("asio")
                ratio = ringio / asio if ringio and asio else None
                cells = ("-" if value is None else f"{value:.2f}"
                         for value in (ringio, asio, ratio))
                print(f"| {compiler} | {level} | {' | '.join(cells)} |", flush=True)
                results.append({"compiler": compiler, "flags": level, "ringio_s": ringio,
                                "asio_s": asio, "ratio": ratio})
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
