"""HTTP/1.1 on trio streams with h11: small, bounded, and able to do what a good server must not: hang, and hang up."""

from collections.abc import Awaitable, Callable

import h11
import trio

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.app import Asked, Told

Handler = Callable[[Asked], Awaitable[Told]]


class _TooLarge(Exception):
    pass


class Server:
    """Serves `handler` on every connection it is given."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._open = 0

    async def connection(self, stream: trio.SocketStream) -> None:
        if self._open >= limits.CONNECTIONS_MOST:
            await stream.aclose()
            return
        self._open += 1
        try:
            await self._serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError, trio.TooSlowError):
            pass  # the peer went away, spoke something else, or fell asleep
        finally:
            self._open -= 1
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await stream.aclose()

    async def _serve(self, stream: trio.SocketStream) -> None:
        while True:
            wire = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.HEAD_MOST)
            try:
                asked = await _read(wire, stream)
            except _TooLarge:
                await _write(wire, stream, Told(413, b"", (("Connection", "close"),)))
                return
            if asked is None:
                return
            told = await self._handler(asked)
            if told.delay:
                await trio.sleep(told.delay)
            if told.hang:
                await trio.sleep(limits.HANG_MOST)
                return
            if told.drop:
                return
            await _write(wire, stream, told)
            leftover, _ = wire.trailing_data
            if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE or leftover:
                return


async def _read(wire: h11.Connection, stream: trio.SocketStream) -> Asked | None:
    """The next request, whole; None when the peer is done."""
    head: h11.Request | None = None
    body = bytearray()
    deadline = trio.current_time() + limits.IDLE_TIMEOUT
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            if wire.they_are_waiting_for_100_continue:
                await stream.send_all(wire.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            with trio.fail_at(deadline):
                wire.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Request):
            head, deadline = event, trio.current_time() + limits.READ_TIMEOUT
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > limits.BODY_MOST:
                raise _TooLarge
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("latin-1").partition("?")
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Asked(head.method.decode("latin-1"), path, query, headers, bytes(body))
        else:
            return None


async def _write(wire: h11.Connection, stream: trio.SocketStream, told: Told) -> None:
    given = dict(told.headers)
    headers = [
        ("Content-Type", given.pop("Content-Type", "application/json")), ("Content-Length", str(len(told.body))),
        ("Cache-Control", "no-store"), *given.items(),
    ]  # fmt: skip
    out = wire.send(h11.Response(status_code=told.status, headers=headers)) or b""
    out += wire.send(h11.Data(data=told.body)) or b""
    out += wire.send(h11.EndOfMessage()) or b""
    await stream.send_all(out)
