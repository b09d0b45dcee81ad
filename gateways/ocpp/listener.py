"""The door for stations: TCP and TLS sockets, upgrades, one task a connection, one sweeper for all.

    listener = Listener(system, snapshots, vault, sink)
    urls = await nursery.start(partial(listener.serve, [Endpoint("0.0.0.0", 9000)], stop=event))

A connection is admitted (admission.py), becomes the newest of its station (the one before is closed) and is read until it ends
(websocket.py, link.py). When `stop` is set, stations are told to come back (1001) and given a moment.
"""

import errno
import secrets
import socket as stdlib_socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import trio

from actors.ports import Sink, Snapshots, Vault
from actors.station.messages import Connected
from gateways.ocpp.admission import Admission, Admitted, TokenBytes
from gateways.ocpp.dialects import DIALECTS
from gateways.ocpp.hub import Hub
from gateways.ocpp.limits import CALL_TICK, GOODBYE_SECONDS, READ_BYTES, SLICE, TLS_LOOK_SECONDS, GatewayLimits
from gateways.ocpp.link import Link
from gateways.ocpp.poller import Poller
from gateways.ocpp.quirks import Registry
from gateways.ocpp.quirks.registry import UNKNOWN
from gateways.ocpp.tls import StationTls
from gateways.ocpp.websocket import GOING_AWAY, TRY_AGAIN, StationSocket
from runtime.system import System

PROTOCOL_ERROR = 1002
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Endpoint(msgspec.Struct, frozen=True):
    """Where to listen. `behind_tls`: a load balancer in front ends TLS, so profile 2 is met here without it. Profile 3 needs
    `tls` that asks for client certificates (StationTls)."""

    host: str
    port: int
    tls: ssl.SSLContext | StationTls | None = None
    behind_tls: bool = False


class Listener:
    def __init__(
        self,
        system: System,
        snapshots: Snapshots,
        vault: Vault,
        sink: Sink,
        *,
        limits: GatewayLimits | None = None,
        strict: bool = False,
        quirks: Registry | None = None,
        now: Callable[[], datetime] | None = None,
        token_bytes: TokenBytes = secrets.token_bytes,
    ) -> None:
        """`strict`: frames that break the schema are refused, never mended (conformance tests). `quirks`: with an operator's own
        entries (quirks.load)."""
        clock = now or system.clock.now
        self._hub = Hub(system, snapshots, vault, sink, limits or GatewayLimits(), now=clock, strict=strict, quirks=quirks)
        self._admission = Admission(self._hub, token_bytes)
        self._scratch = memoryview(bytearray(READ_BYTES))
        self._poller: Poller | None = None
        self._open: set[StationSocket] = set()
        self._upgrading: dict[StationSocket, float] = {}
        """Connections before their upgrade, oldest first, and since when."""
        self._emptied: trio.Event | None = None

    @property
    def hub(self) -> Hub:
        """For the other transports of a node (soap/): a station has one newest connection, whatever it speaks."""
        return self._hub

    @property
    def admission(self) -> Admission:
        """The same limits and secrets for every transport."""
        return self._admission

    def stats(self) -> dict[str, int]:
        """Raw counters and gauges, by name."""
        hub = self._hub
        return {
            **hub.counters.as_dict(),
            "connections": len(self._open) - len(self._upgrading),
            "handshaking": len(self._upgrading),
            "stations": len(hub.links),
            "calling": len(hub.calling),
        }

    def link(self, tenant: str, station: str) -> Link | None:
        """The newest connection of a station, if that is a WebSocket."""
        link = self._hub.links.get((tenant, station))
        return link if isinstance(link, Link) else None

    async def serve(
        self, endpoints: Sequence[Endpoint], *, stop: trio.Event | None = None, task_status: Any = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Until `stop`, or until cancelled. Starts with the list of URLs that accept now, in the order of `endpoints`."""
        sockets: list[tuple[Endpoint, list[stdlib_socket.socket]]] = []
        try:
            for endpoint in endpoints:
                sockets.append((endpoint, await _listen(endpoint, self._hub.limits.listen_backlog)))  # noqa: PERF401
            async with trio.open_nursery() as nursery:
                self._hub.spawn = nursery.start_soon
                self._poller = Poller.make()
                if self._poller is not None:
                    nursery.start_soon(self._poller.run)
                accepting = [(endpoint, listening) for endpoint, group in sockets for listening in group]
                for endpoint, listening in accepting:
                    nursery.start_soon(self._accept, nursery, listening, endpoint)
                nursery.start_soon(self._sweep)
                nursery.start_soon(self._watch_calls)
                nursery.start_soon(self._watch_files, [e.tls for e in endpoints if isinstance(e.tls, StationTls)])
                task_status.started([_url(endpoint, group[0]) for endpoint, group in sockets])
                await (stop if stop is not None else trio.Event()).wait()
                for _, listening in accepting:
                    trio.lowlevel.notify_closing(listening)
                    listening.close()
                await self._say_goodbye()
                nursery.cancel_scope.cancel()
        finally:
            for _, group in sockets:
                for listening in group:
                    listening.close()

    # -- connections -----------------------------------------------------------------------------------------------------

    async def _accept(self, nursery: trio.Nursery, listening: stdlib_socket.socket, endpoint: Endpoint) -> None:
        limits, counters = self._hub.limits, self._hub.counters
        while True:
            try:
                await trio.lowlevel.wait_readable(listening)
                for _ in range(limits.accept_batch):
                    raw, address = listening.accept()
                    if not self._has_room():
                        counters.refused_busy += 1
                        raw.close()
                        continue
                    raw.setblocking(False)
                    nursery.start_soon(self._serve, raw, str(address[0]), endpoint)
            except BlockingIOError:
                continue
            except trio.ClosedResourceError:
                return
            except OSError as error:
                if listening.fileno() < 0:
                    return
                counters.accept_failures += 1
                if error.errno in _EXHAUSTED:
                    await trio.sleep(limits.tick)

    def _has_room(self) -> bool:
        """At a bound, an upgrade that dawdles gives way: idle sockets cannot keep stations out."""
        limits = self._hub.limits
        if len(self._open) < limits.connections and len(self._upgrading) < limits.handshakes:
            return True
        oldest = next(iter(self._upgrading), None)
        if oldest is None or self._hub.monotonic() - self._upgrading[oldest] < limits.dawdle_seconds:
            return False
        del self._upgrading[oldest]
        self._open.discard(oldest)
        oldest.kill()
        return True

    async def _serve(self, raw: stdlib_socket.socket, peer: str, endpoint: Endpoint) -> None:
        stream: trio.abc.Stream = trio.SocketStream(trio.socket.from_stdlib_socket(raw))
        _give_up_soon(raw, self._hub.limits)
        if endpoint.tls is not None:
            context = endpoint.tls.current() if isinstance(endpoint.tls, StationTls) else endpoint.tls
            stream = trio.SSLStream(stream, context, server_side=True)
        socket = StationSocket(
            stream,
            raw if endpoint.tls is None else None,
            max_message_size=self._hub.limits.message_bytes,
            max_unsent=self._hub.limits.send_buffer_bytes,
            spawn=self._hub.spawn,
            scratch=self._scratch,
            poller=self._poller,
        )
        self._open.add(socket)
        link = None
        try:
            with self._hub.contained("a connection"):
                link = await self._open_link(socket, peer, endpoint)
                if link is not None:
                    await socket.run()
        finally:
            self._open.discard(socket)
            if not self._open and self._emptied is not None:
                self._emptied.set()
            socket.kill()
            if link is not None:
                self._close_link(link)

    async def _open_link(self, socket: StationSocket, peer: str, endpoint: Endpoint) -> Link | None:
        """The upgrade, within its time; None when the connection was refused."""
        admitted = None
        self._upgrading[socket] = self._hub.monotonic()
        try:
            with trio.move_on_after(self._hub.limits.handshake_seconds):
                request = await socket.handshake()
                if request is None:
                    self._hub.counters.refused_handshake += 1
                    return None
                secure = endpoint.tls is not None or endpoint.behind_tls
                answer = await self._admission.admit(request, peer, secure, socket.client_certificate())
                if isinstance(answer, Admitted):
                    await request.accept(subprotocol=answer.subprotocol)
                    admitted = answer
                else:
                    await request.reject(answer.status, extra_headers=list(answer.headers))
        finally:
            self._upgrading.pop(socket, None)
        if admitted is None:
            return None
        self._hub.counters.accepted += 1
        if admitted.protocol is None:
            socket.close_soon(PROTOCOL_ERROR, "no common subprotocol")
            with trio.move_on_after(self._hub.limits.close_within * self._hub.limits.tick):
                await socket.run()
            return None
        return self._plug(socket, admitted, admitted.protocol, peer)

    def _plug(self, socket: StationSocket, admitted: Admitted, protocol: str, peer: str) -> Link:
        hub = self._hub
        dialect = DIALECTS[protocol](admitted.tenant, hub.vault, hub.now, hub.strict, hub.quirks)
        card = hub.snapshots.station(admitted.tenant, admitted.station)
        if card is not None and card.made != UNKNOWN:
            dialect.learn(card.made, (card.serial,))
        proof = admitted.proof
        link = Link(hub, socket, dialect, admitted.tenant, admitted.station, hub.next_generation(), proof.certificate)
        key = (admitted.tenant, admitted.station)
        old = hub.links.get(key)
        hub.links[key] = link
        if old is not None:
            old.replaced()
        if admitted.noted:
            hub.note(admitted.tenant, admitted.station, admitted.noted)
        renew = proof.certificate is not None and proof.certificate.renew
        connected = Connected(link, protocol, link.generation, peer, proof.profile, proof.secret, renew)
        if not hub.system.tell(link.address, connected):
            socket.close_soon(TRY_AGAIN, "try again later")
        return link

    def _close_link(self, link: Link) -> None:
        """Only the newest connection is forgotten by its key: an old socket may close long after it was replaced."""
        key = (link.tenant, link.station)
        if self._hub.links.get(key) is link:
            del self._hub.links[key]
        link.ended()

    # -- for all connections ---------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Credit, pings, deadlines of every connection, a slice at a time."""
        while True:
            await trio.sleep(self._hub.limits.tick)
            links = [socket.owner for socket in self._open if socket.owner is not None]
            for start in range(0, len(links), SLICE):
                with self._hub.contained("sweeping"):
                    for link in links[start : start + SLICE]:
                        link.sweep()
                await trio.lowlevel.checkpoint()

    async def _watch_files(self, contexts: Sequence[StationTls]) -> None:
        """Renewed server certificates are taken over without a restart."""
        while contexts:
            await trio.sleep(TLS_LOOK_SECONDS)
            for context in contexts:
                with self._hub.contained("looking at certificate files"):
                    context.look()

    async def _watch_calls(self) -> None:
        while True:
            await trio.sleep(CALL_TICK)
            now = self._hub.monotonic()
            with self._hub.contained("watching calls"):
                for calls in list(self._hub.calling):
                    calls.tick(now)

    async def _say_goodbye(self) -> None:
        """Close every connection with 1001, so that its station knows that it may come back at once."""
        with trio.move_on_after(GOODBYE_SECONDS):
            for n, socket in enumerate(list(self._open)):
                if socket.owner is None:
                    socket.kill()
                else:
                    socket.close_soon(GOING_AWAY, "the central system restarts")
                if n % SLICE == SLICE - 1:
                    await trio.lowlevel.checkpoint()
            self._emptied = trio.Event()
            if self._open:
                await self._emptied.wait()


async def _listen(endpoint: Endpoint, backlog: int) -> list[stdlib_socket.socket]:
    """Every address of the host on one port."""
    found = await trio.socket.getaddrinfo(
        endpoint.host, endpoint.port, type=trio.socket.SOCK_STREAM, flags=trio.socket.AI_PASSIVE
    )
    sockets: list[stdlib_socket.socket] = []
    try:
        for family, kind, protocol, _, address in found:
            listening = stdlib_socket.socket(family, kind, protocol)
            sockets.append(listening)
            listening.setblocking(False)
            listening.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
            if family == stdlib_socket.AF_INET6:
                listening.setsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY, 1)
            port = sockets[0].getsockname()[1] if len(sockets) > 1 else endpoint.port
            listening.bind((address[0], port))
            listening.listen(backlog)
    except BaseException:
        for listening in sockets:
            listening.close()
        raise
    return sockets


def _url(endpoint: Endpoint, listening: stdlib_socket.socket) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{'wss' if endpoint.tls is not None else 'ws'}://{host}:{listening.getsockname()[1]}"


def _give_up_soon(raw: stdlib_socket.socket, limits: GatewayLimits) -> None:
    """TCP reports a peer that does not acknowledge within the pong's time: a power cut is noticed by the next ping, also of
    a station that never answers pings (quirks 2 and 3)."""
    if hasattr(stdlib_socket, "TCP_USER_TIMEOUT"):
        milliseconds = int(limits.pong_within * limits.tick * 1000)
        with suppress(OSError):
            raw.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_USER_TIMEOUT, milliseconds)
