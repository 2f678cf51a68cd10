"""Jobs that were accepted before Ctrl-C are done, and the program ends with status 0."""

import re
import signal
import socket
import subprocess

import support

JOBS = [f"job {number}" for number in range(10)]


def jobs_are_finished() -> None:
    with subprocess.Popen(
        [support.PROGRAM, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            match = re.search(r":(\d+)$", process.stdout.readline().strip())
            support.check(match is not None, "the server does not say its port")
            assert match
            with socket.create_connection(("127.0.0.1", int(match[1])), support.SECONDS) as client:
                client.sendall("".join(job + "\n" for job in JOBS).encode())
                with client.makefile() as answers:
                    for job in JOBS:
                        support.check(answers.readline() == "accepted\n", f"{job} is refused")
                    process.send_signal(signal.SIGINT)
                    support.check(answers.readline() == "", "the connection stays open")
            output, errors = process.communicate(timeout=support.SECONDS)
        finally:
            process.kill()
    expected = sorted([f"done: {job}" for job in JOBS] + ["a worker leaves"] * 3)
    *lines, last = output.splitlines()
    support.check(sorted(lines) == expected, f"not all that was accepted is done: {lines}")
    support.check(last == "nothing is left to do: true", f"the end differs: {last}")
    support.check(process.returncode == 0, f"status {process.returncode}: {errors}")
    support.check(errors == "", f"the program complained: {errors}")


support.main(jobs_are_finished)
