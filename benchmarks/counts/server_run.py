"""An echo server under an instrument that counts, and a client that sends an exact number of
messages. Both share one CPU, and the server runs only when the client sleeps (SCHED_IDLE): so messages meet
the server in the same batches whatever the machine is busy with, and counts repeat."""

import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess

MESSAGE = b"x" * 63 + b"\n"
PATIENCE = 60.0


class EchoServer:
    """A server under an instrument, with its connections; to be used in a `with`."""

    def __init__(self, command: list[str], connections: int, sleepers: int = 0) -> None:
        self._affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(self._affinity)})
        setpriv = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen([*setpriv, *command], stdout=subprocess.PIPE, text=True)
        self._clients: list[socket.socket] = []
        self._sleepers: list[socket.socket] = []
        try:
            port = self._read_port()
            self.pid = self._find_server(self._process.pid)
            for _ in range(connections + sleepers):
                client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._clients.append(client)
            self.echo(len(self._clients))  # accepted, and waited for
            self._sleepers = self._clients[connections:]
            del self._clients[connections:]
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "EchoServer":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        for client in self._clients + self._sleepers:
            client.close()
        os.sched_setaffinity(0, self._affinity)

    def echo(self, requests: int) -> None:
        """In rounds: every connection sends a message, and then takes its echo back."""
        for _ in range(requests // len(self._clients)):
            for client in self._clients:
                client.sendall(MESSAGE)
            for client in self._clients:
                _take(client)

    def terminate(self) -> None:
        """Ends the server with SIGTERM and waits for its instrument's last words."""
        os.kill(self.pid, signal.SIGTERM)
        self._process.wait(PATIENCE)

    def _read_port(self) -> int:
        readable, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        words = self._process.stdout.readline().split() if readable else []
        if len(words) != 2 or words[0] != "listening":
            raise RuntimeError(f"{' '.join(self._process.args)}: no 'listening <port>' but {words}")
        return int(words[1])

    def _find_server(self, pid: int) -> int:
        """Under strace it is the child. Both get what nobody else uses of the CPU."""
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return self._find_server(int(children[0])) if children else pid


def _take(client: socket.socket) -> None:
    missing = len(MESSAGE)
    while missing > 0:
        received = len(client.recv(missing))
        if received == 0:
            raise RuntimeError("the server closed a connection")
        missing -= received
