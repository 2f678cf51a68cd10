"""The UDP echo server in Python, by a protocol, with asyncio or uvloop."""

import argparse
import asyncio


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple) -> None:
        self.transport.sendto(data, address)


async def serve(sockets: int) -> None:
    loop = asyncio.get_running_loop()
    transports = [(await loop.create_datagram_endpoint(Echo, ("127.0.0.1", 0)))[0]
                  for _ in range(sockets)]
    ports = (str(one.get_extra_info("sockname")[1]) for one in transports)
    print("listening", ",".join(ports), flush=True)
    await loop.create_future()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--sockets", type=int, default=1)
    options = parser.parse_args()
    if options.loop == "uvloop":
        import uvloop
        uvloop.install()
    asyncio.run(serve(options.sockets))


if __name__ == "__main__":
    main()
