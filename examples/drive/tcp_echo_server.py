"""Many clients at once, each with more data than a socket buffers; then Ctrl-C."""

import concurrent.futures
import os
import socket

import support


def echo(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), support.SECONDS) as connection:
        received = bytearray()
        for begin in range(0, len(data), 32 * 1024):
            part = data[begin : begin + 32 * 1024]
            connection.sendall(part)
            while len(received) < begin + len(part):
                got = connection.recv(65536)
                support.check(got != b"", "the server closed the connection")
                received += got
        connection.shutdown(socket.SHUT_WR)
        support.check(connection.recv(1) == b"", "there is more than was sent")
    return bytes(received)


def many_clients() -> None:
    with support.serving(support.PROGRAM, "0") as port:
        texts = [os.urandom(1 + 20000 * number) for number in range(20)]
        with concurrent.futures.ThreadPoolExecutor(len(texts)) as pool:
            for text, echoed in zip(texts, pool.map(lambda text: echo(port, text), texts)):
                support.check(text == echoed, f"{len(text)} bytes came back differently")


support.main(many_clients)
