"""How many connections the HTTP server holds, and how long it waits for one that does not read.

hypercorn takes every connection that comes, and waits for ever until a client has read what was sent to it. So a stranger
with nothing but sockets could use up the node's file descriptors, among them those of the stations. Here a connection
needs room. Where there is none, one on which nothing is under way gives way, the longest idle first (a client that dawdles over
its header lines is idle, too); where all are at work, the new one gets 503.

Nor does hypercorn contain what goes wrong in one connection: an error there ends the server, and the node with it. Here it
ends that connection. HTTP/2 is not spoken at all: a proxy in front speaks it with browsers and HTTP/1.1 with us, while
hypercorn's offer of it without TLS lets strangers keep a connection that never counts as idle, or raise such errors.

`Connection` and `Http11` take the places of hypercorn's TCPServer and H11Protocol. They lean on internals of hypercorn; the
version is pinned, and tests tell when they change.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import h11
import hypercorn.protocol
import hypercorn.trio.run
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer

from gateways.web import limits
from gateways.web.proxies import TrustedProxies

_log = structlog.get_logger("web")
_NOT_SUPPORTED = 505

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-type: text/plain\r\n"
    b"content-length: 43\r\n\r\nThe server has no room for more right now.\n"
)


class Room:
    """`total` connections in all, `each` from one address (0: as many as there is room for). A proxy of the operator's own
    brings everybody's, and may take all there is."""

    def __init__(self, total: int, each: int, proxies: TrustedProxies | None = None) -> None:
        self.total, self.each = total, each
        self._proxies = proxies if proxies is not None else TrustedProxies(())
        self._idle: dict[Connection, None] = {}
        self._busy: set[Connection] = set()
        self._held: Counter[str] = Counter()
        self.refused = self.evicted = self.unread = self.failed = 0

    def enter(self, connection: "Connection") -> bool:
        """Whether there is room. An idle connection may have been closed for it."""
        if self._has_share(connection.address) and not self._evict(connection.address):
            self.refused += 1
            return False
        if len(self) >= self.total and not self._evict(None):
            self.refused += 1
            return False
        self._idle[connection] = None
        self._held[connection.address] += 1
        return True

    def _has_share(self, address: str) -> bool:
        return 0 < self.each <= self._held[address] and address not in self._proxies

    def work(self, connection: "Connection", idle: bool) -> None:
        if connection not in self._busy and connection not in self._idle:
            return
        self._busy.discard(connection)
        self._idle.pop(connection, None)
        if idle:
            self._idle[connection] = None
        else:
            self._busy.add(connection)

    def leave(self, connection: "Connection") -> None:
        if connection in self._busy or connection in self._idle:
            self._busy.discard(connection)
            self._idle.pop(connection, None)
            self._held[connection.address] -= 1
            if not self._held[connection.address]:
                del self._held[connection.address]

    def _evict(self, address: str | None) -> bool:
        for connection in self._idle:
            if address is None or connection.address == address:
                self.leave(connection)
                self.evicted += 1
                connection.stream.socket.close()
                return True
        return False

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def stats(self) -> Mapping[str, Any]:
        """`connections` and how many of them are `idle` now; the rest since the start."""
        return {
            "connections": len(self), "idle": len(self._idle),
            "refused_full": self.refused, "evicted_idle": self.evicted, "unread": self.unread, "failed": self.failed,
        }  # fmt: skip


class RoomConfig(Config):
    """hypercorn's configuration with the room of its listeners."""

    room: Room


class Connection(TCPServer):
    address = ""

    async def run(self) -> None:
        room = cast(RoomConfig, self.config).room
        try:
            self.address = str(self.stream.socket.getpeername()[0])
        except OSError:  # gone before it was looked at
            await trio.aclose_forcefully(self.stream)
            return
        if not room.enter(self):
            with trio.move_on_after(limits.REFUSAL_SECONDS):
                with suppress(trio.BrokenResourceError):
                    await self.stream.send_all(_BUSY)
            await trio.aclose_forcefully(self.stream)
            return
        try:
            await super().run()
        except Exception:  # whatever it is, the others know nothing of it
            room.failed += 1
            _log.exception("http.connection_failed", address=self.address)
        finally:
            room.leave(self)

    async def protocol_send(self, event: Event) -> None:
        room = cast(RoomConfig, self.config).room
        if isinstance(event, RawData):
            async with self.send_lock:
                # Shielded as in hypercorn: an answer is finished although its request was cancelled. But not for ever.
                with trio.CancelScope(shield=True, deadline=trio.current_time() + limits.UNREAD_SECONDS) as sending:
                    try:
                        await self.stream.send_all(event.data)
                    except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):  # busy: it says its last
                        await self.protocol.handle(Closed())
                        return
                if sending.cancelled_caught:
                    room.unread += 1
                    await trio.aclose_forcefully(self.stream)
                    await self.protocol.handle(Closed())
            return
        if isinstance(event, Updated):
            room.work(self, event.idle)
        await super().protocol_send(event)


class Http11(H11Protocol):
    async def _check_protocol(self, event: h11.Request) -> None:
        """An offer to go on in HTTP/2 is declined by answering in HTTP/1.1."""

    async def _create_stream(self, request: h11.Request) -> None:
        if request.http_version.startswith(b"1."):
            await super()._create_stream(request)
        else:
            await self._send_error_response(_NOT_SUPPORTED)
            await self.send(Closed())


def bound_connections() -> None:
    """For every hypercorn server of this process from now on; each needs a `RoomConfig`."""
    setattr(hypercorn.trio.run, "TCPServer", Connection)  # noqa: B010 - the name is not exported
    setattr(hypercorn.protocol, "H11Protocol", Http11)  # noqa: B010
