"""Programs that are started: create_subprocess_exec(), create_subprocess_shell(), Process.

On the real clock: what other programs do takes time. No scenario depends on how much.
"""

import asyncio
import functools
import os
import pathlib
import signal
import tempfile
from asyncio import create_subprocess_exec, create_subprocess_shell
from asyncio.subprocess import DEVNULL, PIPE, STDOUT

from scenario import ended, kind, log, run_scenarios, turns
from scenario import scenario as any_scenario
from telling import state

scenario = functools.partial(any_scenario, loop_factory=asyncio.SelectorEventLoop)


def directory():
    return tempfile.TemporaryDirectory(prefix="ringio-")


def executable(path, text, mode=0o755):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


async def output(program, *args, **options):
    """What it writes, and its exit status."""
    process = await create_subprocess_exec(program, *args, stdout=PIPE, **options)
    out, _ = await process.communicate()
    text = out.decode().replace("\n", " ")
    return f"[{text}] {process.returncode}"


async def refusal(call):
    """The type of what a call, or its await, raises."""
    try:
        await call()
    except Exception as exception:
        return kind(exception)
    return "nothing"


async def failed(call):
    """The error of an await."""
    return await ended(call())


@scenario("processes.exit_status")
async def _():
    """How it ends is told, as often as it is asked for."""
    for command in ["true"], ["false"], ["sh", "-c", "exit 7"]:
        process = await create_subprocess_exec(*command)
        log(process.pid > 0, await process.wait(), process.returncode, await process.wait())


@scenario("processes.stdin_stdout")
async def _():
    """What is written to it, and what it writes."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    process.stdin.write(b"some data")
    await process.stdin.drain()
    process.stdin.close()
    log(await process.stdout.read(), await process.wait())


@scenario("processes.interactive")
async def _():
    """Lines to and fro, while it runs."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    for line in b"one\n", b"two\n":
        process.stdin.write(line)
        await process.stdin.drain()
        log(await process.stdout.readline(), process.returncode)
    process.stdin.write_eof()
    log(await process.stdout.readline() == b"", process.stdout.at_eof(), await process.wait())


@scenario("processes.communicate")
async def _():
    """Input, output and exit status at once."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate(b"some data")
    log(out, process.returncode)


@scenario("processes.communicate_output")
async def _():
    """Output and errors are kept apart."""
    process = await create_subprocess_shell(
        "echo out; echo err >&2; exit 3", stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    log(out, err, process.returncode)


@scenario("processes.communicate_without_input", since=(3, 12))
async def _():
    """communicate() without input ends the standard input."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate()
    log(out == b"", process.returncode)


@scenario("processes.empty_input")
async def _():
    """Input that is empty."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate(b"")
    log(out == b"", process.returncode)


@scenario("processes.communicate_much")
async def _():
    """More than pipes hold, both ways, with errors beside it."""
    much = bytes(ord("a") + i % 26 for i in range(3_000_000))
    process = await create_subprocess_exec(
        "tee", "/dev/stderr", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate(much)
    log(out == much, err == much, process.returncode)


@scenario("processes.communicate_ignores_a_broken_pipe")
async def _():
    """That it does not read its input is no error of communicate()."""
    process = await create_subprocess_exec("true", stdin=PIPE)
    await process.communicate(b"x" * 1_000_000)
    log(process.returncode)


@scenario("processes.communicate_twice")
async def _():
    """A second communicate() finds nothing more."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    for data in b"once", b"":
        out, _ = await process.communicate(data)
        log("[" + out.decode() + "]", process.returncode)


@scenario("processes.communicate_the_rest")
async def _():
    """communicate() goes on where write() and read() were."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    process.stdin.write(b"one\ntwo\n")
    log(await process.stdout.readline())
    out, _ = await process.communicate(b"three\n")
    log(out, process.returncode)


@scenario("processes.communicate_after_close", since=(3, 12))
async def _():
    """The standard input may be closed by then."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    process.stdin.write(b"all")
    process.stdin.close()
    out, _ = await process.communicate()
    log(out, process.returncode)


@scenario("processes.communicate_after_exit")
async def _():
    """And the program may have ended."""
    process = await create_subprocess_shell("echo out; echo err >&2", stdout=PIPE, stderr=PIPE)
    while process.returncode is None:
        await turns(1)
    log(*await process.communicate())


@scenario("processes.stdin_broken_pipe")
async def _():
    """A program that ends in the middle of its input: an error of drain()."""
    process = await create_subprocess_exec("head", "-c", "1", stdin=PIPE, stdout=DEVNULL)
    process.stdin.write(b"x" * 1_000_000)
    log(await refusal(process.stdin.drain))
    log(await process.wait())


@scenario("processes.stdin_after_exit")
async def _():
    """So is what is written to a program that has ended."""
    process = await create_subprocess_exec("true", stdin=PIPE)
    await process.wait()
    process.stdin.write(b"x")
    await turns(10)
    log(process.stdin.is_closing(), await refusal(process.stdin.drain))


@scenario("processes.stdin_wait_closed")
async def _():
    """wait_closed() of the standard input, which was closed here, ends with it, or breaks."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=DEVNULL)
    process.stdin.write(b"x")
    process.stdin.close()
    log(await ended(process.stdin.wait_closed()), await process.wait())
    process = await create_subprocess_exec("true", stdin=PIPE)
    log(await ended(process.stdin.wait_closed()), process.stdin.is_closing())
    process = await create_subprocess_exec("head", "-c", "1", stdin=PIPE, stdout=DEVNULL)
    process.stdin.write(b"x" * 1_000_000)
    log(await refusal(process.stdin.wait_closed))


@scenario("processes.lines")
async def _():
    """Its output line by line, also the last one that does not end."""
    process = await create_subprocess_exec("printf", "one\ntwo\nthree", stdout=PIPE)
    async for line in process.stdout:
        log("[" + line.decode().rstrip() + "]")
    log(await process.wait())


@scenario("processes.many")
async def _():
    """Many at once, each with its own output and status."""

    async def run(number):
        process = await create_subprocess_shell(f"echo {number}; exit {number}", stdout=PIPE)
        out, _ = await process.communicate()
        return int(out) == number == process.returncode

    log(await asyncio.gather(*(run(number) for number in range(20))))


@scenario("processes.shell")
async def _():
    """A command line, by the shell."""
    process = await create_subprocess_shell("echo $((6 * 7)) | tr 4 x", stdout=PIPE)
    out, _ = await process.communicate()
    log(out, process.returncode)
    process = await create_subprocess_shell("no-such-program-at-all", stderr=DEVNULL)
    log(await process.wait())


@scenario("processes.arguments")
async def _():
    """Arguments arrive as they are: no shell looks at them."""
    log(await output("printf", "%s|", "a 'b' \"c\"", "$HOME *", "", "-n"))


@scenario("processes.inherit")
async def _():
    """Without options it has the standard streams of this process."""
    log("before")
    process = await create_subprocess_shell("echo from the program")
    log(await process.wait())


@scenario("processes.devnull")
async def _():
    """DEVNULL: nothing comes from there, and nothing is seen of what goes there."""
    log(await output("cat", stdin=DEVNULL))
    process = await create_subprocess_exec("echo", "not to be seen", stdout=DEVNULL)
    log(await process.wait())
    process = await create_subprocess_shell(
        "echo nor this >&2; echo this", stdout=PIPE, stderr=DEVNULL
    )
    log(await process.communicate() == (b"this\n", None))


@scenario("processes.stderr_to_stdout")
async def _():
    """STDOUT: errors go where output goes, in the order in which they were written."""
    process = await create_subprocess_shell(
        "echo 1; echo 2 >&2; echo 3", stdout=PIPE, stderr=STDOUT
    )
    log(await process.stdout.read(), await process.wait())


@scenario("processes.dev_stdin")
async def _():
    """Its input has a name, for it is a pipe."""
    process = await create_subprocess_exec("cat", "/dev/stdin", stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate(b"message")
    log(out, process.returncode)


@scenario("processes.linked")
async def _():
    """Descriptors link one program to the next."""
    near, far = os.pipe()
    first = await create_subprocess_exec("echo", "hello", stdout=far)
    os.close(far)
    second = await create_subprocess_exec("tr", "l", "L", stdin=near, stdout=PIPE)
    os.close(near)
    log(await second.stdout.read(), await first.wait(), await second.wait())


@scenario("processes.stdin_is_not_inherited")
async def _():
    """A program does not keep the input of another one open."""
    first = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    second = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    log((await first.communicate(b"first"))[0], first.returncode, second.returncode)
    log((await second.communicate(b"second"))[0], second.returncode)


@scenario("processes.pause_reading")
async def _():
    """What nobody reads stays with the program, which waits."""
    process = await create_subprocess_shell(
        "head -c 1000000 /dev/zero; echo done >&2", stdout=PIPE, stderr=PIPE, limit=1000
    )
    reading = asyncio.create_task(process.stderr.readline())
    await asyncio.sleep(0.02)
    log(state(reading), process.returncode)
    log(len(await process.stdout.read()))
    log(await reading, await process.wait())


@scenario("processes.limit")
async def _():
    """A line of its output that is longer than the limit."""
    process = await create_subprocess_exec(
        "printf", "0123456789abcdef\nshort\n", stdout=PIPE, limit=8
    )
    log(await refusal(process.stdout.readline))
    log(await process.stdout.readline(), await process.wait())


@scenario("processes.read_after_exit")
async def _():
    """Output that it left can be read when it has ended."""
    process = await create_subprocess_exec("echo", "last words", stdout=PIPE)
    while process.returncode is None:
        await turns(1)
    log(await process.stdout.read())


@scenario("processes.signals")
async def _():
    """terminate(), kill(), and any other signal."""
    for end in (
        lambda process: process.terminate(),
        lambda process: process.kill(),
        lambda process: process.send_signal(signal.SIGUSR1),
    ):
        process = await create_subprocess_exec("sleep", "1000")
        log(process.returncode)
        end(process)
        log(await process.wait(), process.returncode)


@scenario("processes.handled_signal")
async def _():
    """A signal that the program handles."""
    process = await create_subprocess_shell(
        "trap 'echo got it; exit 3' HUP; echo ready; while :; do sleep 0.01; done", stdout=PIPE
    )
    log(await process.stdout.readline())
    process.send_signal(signal.SIGHUP)
    log(await process.stdout.readline(), await process.wait())


@scenario("processes.ignored_signal")
async def _():
    """One that ignores SIGTERM has to be killed."""
    process = await create_subprocess_shell(
        "trap '' TERM; echo ready; while :; do read x || sleep 0.01; done",
        stdin=DEVNULL,
        stdout=PIPE,
    )
    log(await process.stdout.readline())
    process.terminate()
    log(await ended(asyncio.wait_for(process.wait(), 0.02)))
    process.kill()
    log(await process.wait())


@scenario("processes.broken_pipe_ends_it")
async def _():
    """The program does not inherit that SIGPIPE is ignored here."""
    process = await create_subprocess_shell("kill -PIPE $$; echo survived")
    log(await process.wait() == -signal.SIGPIPE)


@scenario("processes.wait_cancelled")
async def _():
    """A wait that is cancelled leaves the program alone."""
    process = await create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    waiting = asyncio.create_task(process.wait())
    await turns(3)
    waiting.cancel()
    log(await ended(waiting), process.returncode)
    process.stdin.write(b"alive\n")
    log(await process.stdout.readline())
    process.kill()
    log(await process.wait())


@scenario("processes.communicate_cancelled")
async def _():
    """So does communicate()."""
    process = await create_subprocess_exec("sleep", "1000", stdout=PIPE)
    log(await ended(asyncio.wait_for(process.communicate(), 0.01)), process.returncode)
    process.kill()
    log(await process.wait())


@scenario("processes.several_wait")
async def _():
    """Any number of tasks may wait."""
    process = await create_subprocess_exec("cat", stdin=PIPE)
    waiting = [asyncio.create_task(process.wait()) for _ in range(3)]
    await turns(3)
    log([task.done() for task in waiting])
    process.stdin.close()
    log(await asyncio.gather(*waiting))


@scenario("processes.several_run")
async def _():
    """Several at once, which end in the other order."""
    first = await create_subprocess_exec("cat", stdin=PIPE)
    second = await create_subprocess_exec("cat", stdin=PIPE)
    waiting = asyncio.create_task(first.wait())
    second.stdin.close()
    log(await second.wait(), state(waiting))
    first.stdin.close()
    log(await waiting)


@scenario("processes.errors")
async def _():
    """No such program, a file that cannot run, a directory that is none."""
    with directory() as path:
        log(await failed(lambda: create_subprocess_exec("no-such-program-at-all")))
        log(await failed(lambda: create_subprocess_exec("/no/such/program", stdin=PIPE)))
        log(await failed(lambda: create_subprocess_exec(path)))
        plain = executable(path + "/plain", "text", 0o644)
        log(await failed(lambda: create_subprocess_exec(plain)))
        script = executable(path + "/script", "#! /no/such/interpreter\n")
        log(await failed(lambda: create_subprocess_exec(script)))
        log(await failed(lambda: create_subprocess_exec("true", cwd="/no/where")))
        log(await failed(lambda: create_subprocess_exec("true", cwd=plain)))
        log(await failed(lambda: create_subprocess_exec("true", "x" * 3_000_000)))


@scenario("processes.bad_arguments")
async def _():
    """Zero bytes, and a name of a variable with a '='."""
    log(await refusal(lambda: create_subprocess_exec("true", "a\0b")))
    log(await refusal(lambda: create_subprocess_shell("true \0")))
    log(await refusal(lambda: create_subprocess_exec("true", env={"A=B": "x"})))
    log(await refusal(lambda: create_subprocess_exec("true", env={"A": "x\0y"})))


@scenario("processes.path_objects")
async def _():
    """The program and its directory may be objects of the type for paths."""
    with directory() as path:
        program = pathlib.Path(executable(path + "/program", "#! /bin/sh\npwd -P\n"))
        out = await output(program, cwd=pathlib.Path(path))
        log(out.replace(os.path.realpath(path), "there"))


@scenario("processes.cwd")
async def _():
    """Its working directory, from which a relative name of the program counts."""
    with directory() as path:
        executable(path + "/program", "#! /bin/sh\necho found\npwd -P\n")
        out = await output("./program", cwd=path)
        log(out.replace(os.path.realpath(path), "there"))
    log(await output("pwd", cwd="/"))


@scenario("processes.env")
async def _():
    """Its environment is the one that is given, and no other."""
    variables = {"FOO": "bar", "EMPTY": ""}
    log(await output("/bin/sh", "-c", "echo $FOO, ${EMPTY-unset}, ${HOME-unset}", env=variables))
    process = await create_subprocess_shell("echo $FOO", stdout=PIPE, env=variables)
    log(await process.stdout.read(), await process.wait())


@scenario("processes.env_inherited")
async def _():
    """Without one it is this process's, as it is by then."""
    os.environ["RINGIO_CONFORMANCE"] = "seen"
    log(await output("sh", "-c", "echo $RINGIO_CONFORMANCE"))
    del os.environ["RINGIO_CONFORMANCE"]
    log(await output("sh", "-c", "echo ${RINGIO_CONFORMANCE-unset}"))


@scenario("processes.env_path")
async def _():
    """It is looked for in the PATH that it will have."""
    with directory() as path:
        executable(path + "/only-there", "#! /bin/sh\necho found\n")
        log(await failed(lambda: create_subprocess_exec("only-there")))
        log(await output("only-there", env={"PATH": "/no/where:" + path}))
        log(await failed(lambda: create_subprocess_exec("only-there", env={"PATH": "/bin"})))


@scenario("processes.new_session")
async def _():
    """A session of its own, in which it can be waited for, too."""
    for own in True, False:
        process = await create_subprocess_exec(
            "cut", "-d ", "-f6", "/proc/self/stat", stdout=PIPE, start_new_session=own
        )
        out, _ = await process.communicate()
        log(int(out) == process.pid, process.returncode)


@scenario("processes.process_group")
async def _():
    """A process group of its own."""
    for options in {"process_group": 0}, {}:
        process = await create_subprocess_exec(
            "cut", "-d ", "-f5", "/proc/self/stat", stdout=PIPE, **options
        )
        out, _ = await process.communicate()
        log(int(out) == process.pid, process.returncode)


@scenario("processes.pass_fds")
async def _():
    """Descriptors that are passed have the same numbers there; others are not there."""
    near, far = os.pipe()
    line = f"echo passed >&{far}"
    process = await create_subprocess_shell(line, stderr=DEVNULL)
    log(await process.wait() != 0)
    process = await create_subprocess_shell(line, stderr=DEVNULL, pass_fds=[far])
    log(await process.wait())
    os.close(far)
    log(os.read(near, 100))
    os.close(near)


@scenario("processes.cancelled_before_it_starts")
async def _():
    """A start that is cancelled before its first step starts nothing."""
    with directory() as path:
        starting = asyncio.create_task(create_subprocess_exec("touch", path + "/file"))
        starting.cancel()
        log(await ended(starting))
        log(os.listdir(path) == [])


@scenario("processes.in_a_fork")
def _():
    """In the child of a fork() a new loop starts programs."""

    async def main():
        log("in the child", await output("echo", "hello"))

    pid = os.fork()
    if pid == 0:
        asyncio.run(main())
        os._exit(0)
    log("ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    run_scenarios()
