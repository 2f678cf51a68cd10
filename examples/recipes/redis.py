"""redis.cpp against a server of its own, which is killed in the end, and against nobody."""

import subprocess

import peer

PORT = 16379
EXPECTED = """\
Grüße, Welt; nothing there: true
ERR value is not an integer or out of range
the sum of 1000 numbers is 499500
news: it rains
news: it shines
nothing came
Connection refused
waiting
"""


def all_of_it() -> None:
    host = peer.loopback()
    with peer.folder() as folder, peer.redis(folder, host, PORT) as server:
        with subprocess.Popen(
            [peer.PROGRAM, host, str(PORT)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as program:
            assert program.stdout
            try:
                said = ""
                while not said.endswith("waiting\n"):
                    line = program.stdout.readline()
                    peer.check(line != "", f"the program ends early, after: {said}")
                    said += line
                server.kill()
                rest, errors = program.communicate(timeout=peer.SECONDS)
            finally:
                program.kill()
    peer.check(said == EXPECTED, said)
    ends = rest.splitlines()
    peer.check(ends[0] == "no message any more: true" and len(ends) == 3, rest)
    # Whether the last command had been read when the server was killed, is not known.
    lost = {"Server closed the connection", "Connection reset by peer"}
    peer.check(lost.issuperset(ends[1:]), rest)
    peer.check(program.returncode == 0 and errors == "", f"status {program.returncode}: {errors}")


def nobody() -> None:
    result = peer.run(peer.loopback(), PORT)
    peer.check(result.returncode == 1, f"status {result.returncode}")
    peer.check(result.stderr == "redis::Error: Connection refused\n", result.stderr)


peer.main(nobody, all_of_it)
