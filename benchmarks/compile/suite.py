"""How long a translation unit takes to compile that says hello through ringio, beside one that says
it through Asio."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import bursts, machine
from harness.report import Report, Table, number

NAMES = {"compile": "time to compile a hello-world"}
REFERENCE = "asio"

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


def add_arguments(parser):
    parser.add_argument("--compilers", default="g++", help="comma-separated (default: g++)")


def compile_once(compiler, level, source, output):
    """The compiler's CPU time in seconds."""
    command = [compiler, "-std=c++20", level, f"-I{machine.REPOSITORY / 'include'}",
               *(CLANG_FLAGS if "clang" in compiler else []), "-c", str(source), "-o", str(output)]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, CCACHE_DISABLE="1"))
    after = os.times()
    if done.returncode != 0:
        raise bursts.BurstFailed("\n".join(done.stderr.splitlines()[:5]))
    return {"seconds": after.children_user + after.children_system
            - before.children_user - before.children_system}


def run(name, options, build):
    rows, data = [], []
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        for library, text in SOURCES.items():
            (folder / f"{library}.cpp").write_text(text)
        for compiler in options.compilers.split(","):
            if shutil.which(compiler) is None:
                raise RuntimeError(f"{compiler}: not found")
            for level in ("-O0", "-O2"):
                measure = lambda library: compile_once(
                    compiler, level, folder / f"{library}.cpp", folder / "out.o")
                series = bursts.alternate(["ringio"], REFERENCE, measure, options.rounds)
                rows.append([compiler, level, number(series["ringio"].median("seconds")),
                             number(series["asio"].median("seconds")),
                             number(series["ringio"].ratio("seconds"))])
                data.append({"compiler": compiler, "flags": level,
                             **{library: one.data() for library, one in series.items()}})
    table = Table("", ["compiler", "flags", "ringio, s", "asio, s", "ratio"], rows, words=2)
    return Report(name, [table], data=data)
