"""What stands outside of a CSMS and is asked by it: a plain HTTP server for a test's own responder, pool or CA."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Handler = Callable[[str, bytes], tuple[int, bytes]]
"""(path, body) -> (status, body)."""


@asynccontextmanager
async def serving(handler: Handler, port: int = 0) -> AsyncIterator[str]:
    """Its URL, without a slash at the end. `port` 0: any."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
        status, body = handler(head.split(" ")[1], await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
