"""job_queue.cpp with a Redis of its own: all jobs are done, though a worker is killed at one."""

import signal
import subprocess

import peer

PORT = 16379
EXPECTED = """\
slow is at a job
11 jobs are done; slow is killed: -9
slow's job is done by another: true
12 jobs are done, 0 are left; the sum is 650
a worker ends: 0
a worker ends: 0
"""


def all_of_it() -> None:
    host = peer.loopback()
    with peer.folder() as folder, peer.redis(folder, host, PORT):
        result = peer.run(host, PORT)
    peer.check_output(result, EXPECTED)


def a_worker_is_told_to_end() -> None:
    """It does the job that it has begun, and takes no other."""
    host = peer.loopback()

    def redis(*words: str) -> list[str]:
        command = [peer.find("redis-tools", "redis-cli"), "-h", host, "-p", str(PORT), *words]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=peer.SECONDS, check=True
        ).stdout.split()

    with peer.folder() as folder, peer.redis(folder, host, PORT):
        redis("XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM")
        for number in ("7", "8"):
            redis("XADD", "jobs", "*", "number", number)
        with subprocess.Popen([peer.PROGRAM, host, str(PORT), "worker", "1"]) as worker:
            try:
                redis("XREAD", "BLOCK", "0", "STREAMS", "events", "0")
                worker.send_signal(signal.SIGTERM)
                status = worker.wait(peer.SECONDS)
            finally:
                worker.kill()
        events = redis("XRANGE", "events", "-", "+")
        pending = redis("XPENDING", "jobs", "workers")
    peer.check(status == 0, f"status {status}")
    peer.check(events[-2:] == ["result", "49"] and events.count("begun") == 1, f"{events}")
    peer.check(pending == ["0"], f"{pending}")


def nobody() -> None:
    host = peer.loopback()
    result = peer.run(host, PORT)
    peer.check(result.returncode == 1, f"status {result.returncode}")
    peer.check(f"{host}:{PORT}" in result.stderr, result.stderr)


peer.main(nobody, all_of_it, a_worker_is_told_to_end)
