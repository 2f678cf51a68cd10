"""The job of limit.c with aiohttp and httpx: python_jobs.py LIBRARY URL CA get N C."""

import asyncio
import contextlib
import ssl
import sys
import time


@contextlib.asynccontextmanager
async def aiohttp_get(ca, at_a_time):
    import aiohttp
    context = ssl.create_default_context(cafile=ca) if ca != "-" else None
    connector = aiohttp.TCPConnector(limit=at_a_time, ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def get(url):
            async with session.get(url) as response:
                response.raise_for_status()
                await response.text()

        yield get


@contextlib.asynccontextmanager
async def httpx_get(ca, at_a_time):
    import httpx
    limits = httpx.Limits(max_connections=at_a_time, max_keepalive_connections=at_a_time)
    async with httpx.AsyncClient(verify=ca if ca != "-" else True, limits=limits) as client:

        async def get(url):
            (await client.get(url)).raise_for_status()

        yield get


async def get_all(get, url, count, at_a_time):
    left = count

    async def again_and_again():
        nonlocal left
        while left > 0:
            left -= 1
            await get(url)

    await asyncio.gather(*(again_and_again() for _ in range(at_a_time)))


async def main():
    library, url, ca, _, count, at_a_time = sys.argv[1:7]
    count, at_a_time = int(count), int(at_a_time)
    opened = {"aiohttp": aiohttp_get, "httpx": httpx_get}[library](ca, at_a_time)
    async with opened as get:
        await get_all(get, url, at_a_time, at_a_time)  # connects
        wall, cpu = time.monotonic(), time.process_time()
        await get_all(get, url, count, at_a_time)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f'{{"operations": {count}, "seconds": {wall:.9f}, "cpu_seconds": {cpu:.9f}}}')


asyncio.run(main())
