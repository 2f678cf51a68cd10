"""aiohttp_server.py [CERTIFICATE KEY]: aiohttp.web as the other end of a test, with TLS if told so.

It listens at a free port of 127.0.0.1, and says "port N." when it does.
"""

import asyncio
import hashlib
import ssl
import sys

from aiohttp import BasicAuth, web

routes = web.RouteTableDef()


@routes.route("*", "/echo")
async def echo(request: web.Request) -> web.Response:
    """What came, as JSON: for HEAD, OPTIONS and all others."""
    return web.json_response(
        {
            "method": request.method,
            "path": request.path,
            "query": list(request.query.items()),
            "type": request.headers.get("Content-Type"),
            "body": await request.text(),
        }
    )


@routes.post("/json")
async def json_back(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


@routes.post("/form")
async def form(request: web.Request) -> web.Response:
    """The fields of a form, one a line, as aiohttp has read them."""
    lines = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content = value.file.read()
            value = f"{value.filename} {value.content_type} {hashlib.sha256(content).hexdigest()}"
        lines.append(f"{name}={value}")
    return web.Response(text="\n".join(lines))


@routes.route("*", "/upload")
async def upload(request: web.Request) -> web.Response:
    """The size and digest of a body that is read piece by piece."""
    size, digest = 0, hashlib.sha256()
    async for piece in request.content.iter_any():
        size += len(piece)
        digest.update(piece)
    coding = request.headers.get("Transfer-Encoding", "none")
    return web.Response(text=f"{size} {digest.hexdigest()} {coding}")


@routes.get("/stream/{count}/{size}")
async def stream(request: web.Request) -> web.StreamResponse:
    """So many chunks of so many bytes; the bytes of each are the same."""
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(int(request.match_info["count"])):
        await response.write(bytes([number % 256]) * int(request.match_info["size"]))
    await response.write_eof()
    return response


@routes.post("/duplex")
async def duplex(request: web.Request) -> web.StreamResponse:
    """Sends each piece back as soon as it has come."""
    response = web.StreamResponse()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece.upper())
    await response.write_eof()
    return response


@routes.get("/compressed/{coding}/{size}")
async def compressed(request: web.Request) -> web.Response:
    response = web.Response(body=b"0123456789" * int(request.match_info["size"]))
    response.enable_compression(web.ContentCoding(request.match_info["coding"]))
    return response


@routes.get("/compressed-stream/{coding}")
async def compressed_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_compression(web.ContentCoding(request.match_info["coding"]))
    await response.prepare(request)
    for number in range(1000):
        await response.write(f"{number}\n".encode())
    await response.write_eof()
    return response


@routes.get("/set-cookies")
async def set_cookies(request: web.Request) -> web.Response:
    response = web.Response()
    response.set_cookie("plain", "one")
    response.set_cookie("spaced", "two words, quoted; so")
    response.set_cookie("deep", "three", path="/cookies/deep")
    response.set_cookie("secret", "four", secure=True, httponly=True, samesite="Strict")
    response.set_cookie("short", "five", max_age=0)
    return response


@routes.get("/cookies{tail:.*}")
async def cookies(request: web.Request) -> web.Response:
    """The cookies as aiohttp reads them, one a line."""
    return web.Response(text="".join(f"{k}={v}\n" for k, v in sorted(request.cookies.items())))


@routes.get("/del-cookie")
async def del_cookie(request: web.Request) -> web.Response:
    response = web.Response()
    response.del_cookie("plain")
    return response


@routes.route("*", "/redirect/{status}{to:.*}")
async def redirect(request: web.Request) -> web.Response:
    await request.read()
    location = request.match_info["to"] or "/echo"
    return web.Response(status=int(request.match_info["status"]), headers={"Location": location})


@routes.get("/auth")
async def auth(request: web.Request) -> web.Response:
    header = request.headers.get("Authorization")
    if header is None or BasicAuth.decode(header) != BasicAuth("user", "p: s"):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="test"'})
    return web.Response(text="welcome")


@routes.get("/never")
async def never(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


@routes.get("/half")
async def half(request: web.Request) -> web.StreamResponse:
    """Begins, and does not go on."""
    response = web.StreamResponse(headers={"Content-Length": "10"})
    await response.prepare(request)
    await response.write(b"half")
    await asyncio.Event().wait()
    return response


@routes.get("/cut/{how}")
async def cut(request: web.Request) -> web.StreamResponse:
    """Hangs up in the middle of a body."""
    is_chunked = request.match_info["how"] == "chunked"
    response = web.StreamResponse(headers={} if is_chunked else {"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"beginning")
    request.transport.close()
    return response


@routes.get("/status/{status}")
async def status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]))


@routes.get("/error")
async def error(request: web.Request) -> web.Response:
    raise web.HTTPInternalServerError(text="sorry")


@routes.get("/close")
async def close(request: web.Request) -> web.Response:
    response = web.Response(text=connection_of(request))
    response.force_close()
    return response


@routes.get("/connection")
async def connection(request: web.Request) -> web.Response:
    return web.Response(text=connection_of(request))


def connection_of(request: web.Request) -> str:
    return str(request.transport.get_extra_info("peername")[1])


async def serve(*pair: str) -> None:
    app = web.Application(client_max_size=64 * 1024**2)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print(f"port {runner.addresses[0][1]}.", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
