"""peer.py ROLE ...: Python's ssl, blocking and of asyncio, as the other end of a test.

  server CERTIFICATE KEY            asyncio; sends back what comes; says "port N" first
  blocking-server CERTIFICATE KEY   the same with threads
  client PORT CA SIZE COUNT         asyncio; COUNT at a time send SIZE bytes, and compare what comes back
  cutting-client PORT CA SIZE COUNT every second one of them hangs up in the middle
  blocking-client PORT CA SIZE      one of them, without asyncio; waits for the good-bye at last
  starttls-client PORT CA           in the clear, then TLS, then TLS in it
"""

import asyncio
import os
import socket
import ssl
import sys
import threading


def say(text: str) -> None:
    print(text, flush=True)


def serving(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def server(certificate: str, key: str) -> None:
    served = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=serving(certificate, key))
    say(f"port {served.sockets[0].getsockname()[1]}.")
    await served.serve_forever()


def blocking_echo(plain: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as secure:
        while data := secure.recv(65536):
            secure.sendall(data)
        secure.unwrap()
        say("unwrapped")


def blocking_server(certificate: str, key: str) -> None:
    context = serving(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        say(f"port {listener.getsockname()[1]}.")
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=blocking_echo, args=(plain, context), daemon=True).start()


async def exchange(port: int, ca: str, size: int, is_cut: bool) -> None:
    context = ssl.create_default_context(cafile=ca)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    data = os.urandom(size)
    if is_cut:
        writer.write(data)
        await reader.readexactly(size // 2)
        writer.transport.abort()
        return

    async def send() -> None:
        writer.write(data)
        await writer.drain()

    _, heard = await asyncio.gather(send(), reader.readexactly(size))
    assert heard == data
    writer.close()
    await writer.wait_closed()
    say("same")


async def client(port: str, ca: str, size: str, count: str, cuts: bool = False) -> None:
    await asyncio.gather(
        *(exchange(int(port), ca, int(size), cuts and i % 2 == 1) for i in range(int(count)))
    )
    say("done")


def blocking_client(port: str, ca: str, size: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    plain = socket.create_connection(("127.0.0.1", int(port)))
    with context.wrap_socket(
        plain, server_hostname="localhost", suppress_ragged_eofs=False
    ) as secure:
        data = os.urandom(int(size))
        sender = threading.Thread(target=secure.sendall, args=(data,))
        sender.start()
        heard = b""
        while len(heard) < len(data):
            heard += secure.recv(65536)
        sender.join()
        assert heard == data
        secure.unwrap().close()
    say("same, unwrapped")


async def starttls_client(port: str, ca: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    for layer in ("TLS", "TLS in TLS"):
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go ahead\n"
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(b"x" * 50000 + b"\n")
        assert await reader.readline() == b"x" * 50000 + b"\n"
        say(layer)
    writer.close()
    await writer.wait_closed()
    say("closed")


def main(role: str, *arguments: str) -> None:
    if role == "server":
        asyncio.run(server(*arguments))
    elif role == "blocking-server":
        blocking_server(*arguments)
    elif role == "client":
        asyncio.run(client(*arguments))
    elif role == "cutting-client":
        asyncio.run(client(*arguments, cuts=True))
    elif role == "blocking-client":
        blocking_client(*arguments)
    elif role == "starttls-client":
        asyncio.run(starttls_client(*arguments))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
