"""The client against the echo server, and against nobody."""

import socket

import support


def against_the_server() -> None:
    with support.serving(support.PROGRAM.with_name("tcp_echo_server"), "0") as port:
        result = support.run("Grüße, 世界", str(port))
    support.check(result.returncode == 0, result.stderr)
    expected = "Send: 'Grüße, 世界'\nReceived: 'Grüße, 世界'\nClose the connection\n"
    support.check(result.stdout == expected, result.stdout)


def against_nobody() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        result = support.run("hello", str(port))
    support.check(result.returncode == 1, f"status {result.returncode}")
    support.check(f"127.0.0.1:{port}" in result.stderr, result.stderr)


support.main(against_the_server, against_nobody)
