"""A SOAP station's line: requests out to the central system, commands in through the fleet's server.

It looks like a WebSocket to the station (gateways.simulator.link.Line), and ends when the server cannot be reached, as a
socket would.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.link import CallError, Handler, LinkLost, basic
from gateways.simulator.memory import Tls
from gateways.simulator.soap import envelope, words
from gateways.simulator.soap.http import Callbacks, Client, Served, compress
from gateways.simulator.soap.tables import V15, Version

Payload = dict[str, Any]
GARBAGE: Sequence[str] = (
    "<not xml",
    "hello",
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "boom">]><x>&e;</x>',
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a/><b/></s:Body></s:Envelope>',
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><heartbeatRequest xmlns="urn://x/"/></s:Body></s:Envelope>',
)


class SoapLine:
    def __init__(
        self,
        version: Version,
        url: str,
        identity: str,
        handler: Handler,
        callbacks: Callbacks,
        *,
        password: str | None = None,
        tls: Tls = Tls(),
        zipped: bool = False,
    ) -> None:
        self._version = version
        self._identity = identity
        self._handler = handler
        self._callbacks = callbacks
        self._zipped = zipped
        self._url = f"{url.rstrip('/')}/{identity}"
        credentials = [("Authorization", basic(identity, password))] if password is not None else []
        self._client = Client(self._url, credentials, tls)
        self._turn = trio.Lock()
        self._voice = trio.Event()
        self._voice.set()
        self.closed = trio.Event()
        self.reason = ""
        callbacks.register(identity, self._serve)

    # -- to the central system --------------------------------------------------------------------------------

    async def call(self, action: str, payload: Payload, unique_id: str, *, copies: int = 1, slow: bool = False) -> Payload:
        """The result in the words of 1.6; an empty one for what this version cannot say. Raises LinkLost, CallError."""
        said = words.say(action, payload) if self._version is V15 else payload
        if said is None:
            return {}
        sender = self._callbacks.address(self._identity)
        body = envelope.request(self._version, action, said, self._identity, self._url, sender)
        async with self._turn:
            heard = None
            for _ in range(copies):
                heard = await self._post(action, body, slow)
        assert heard is not None
        if heard.fault is not None:
            raise CallError(*heard.fault)
        return words.told(action, heard.payload) if self._version is V15 else heard.payload

    async def _post(self, action: str, body: bytes, slow: bool = False) -> envelope.Heard:
        await self._voice.wait()
        if self.closed.is_set():
            raise LinkLost(self.reason)
        headers = [("Content-Type", f'{envelope.MEDIA}; charset=utf-8; action="/{action}"')]
        if self._zipped:
            body = compress(body)
            headers.append(("Content-Encoding", "gzip"))
        reply = None
        with trio.CancelScope(deadline=trio.current_time() + limits.CALL_TIMEOUT) as scope:
            self._cutting = scope
            try:
                reply = await self._client.post(body, headers, slow=slow)
            except (OSError, EOFError) as error:
                await self._end(f"the central system cannot be reached: {error}")
        if reply is None:
            await self._end("no answer in time")
            raise LinkLost(self.reason)
        try:
            return envelope.read(reply.body)
        except envelope.Unreadable as error:
            if reply.status != 200:
                raise CallError(f"HTTP {reply.status}", reply.body[:200].decode("utf-8", "replace")) from None
            raise CallError("unreadable answer", str(error)) from None

    _cutting: trio.CancelScope | None = None

    async def send_raw(self, text: str) -> None:
        """Anything at all as a request; what is answered to it does not matter."""
        async with self._turn:
            try:
                await self._post("Heartbeat", text.encode())
            except CallError:
                return

    # -- from the central system --------------------------------------------------------------------------------

    async def _serve(self, body: bytes) -> Served | None:
        await self._voice.wait()
        if self.closed.is_set():
            return None
        fault = partial(envelope.fault, self._version)
        try:
            heard = envelope.read(body)
        except envelope.Unreadable as error:
            return Served(400, fault("Sender", "ProtocolError", str(error), None))
        if heard.identity is not None and heard.identity.lower() != self._identity.lower():
            return Served(400, fault("Sender", "IdentityMismatch", f"this is {self._identity}", heard.message_id))
        if heard.namespace.rstrip("/") != self._version.station.rstrip("/") or not self._version.knows(heard.action):
            return Served(500, fault("Receiver", "NotSupported", f"no {heard.action} here", heard.message_id))
        old = self._version is V15
        try:
            asked = words.asked(heard.action, heard.payload) if old else heard.payload
        except KeyError as error:
            return Served(400, fault("Sender", "ProtocolError", f"{error} is missing", heard.message_id))
        answer = await self._handler(heard.action, asked)
        if answer.error is not None:
            return Served(400, fault("Sender", "ProtocolError", ": ".join(answer.error), heard.message_id))
        result = words.answered(heard.action, answer.payload or {}) if old else answer.payload or {}
        return Served(200, envelope.response(self._version, heard.action, result, heard.message_id), answer.then)

    # -- its end ------------------------------------------------------------------------------------------------

    async def _end(self, reason: str) -> None:
        if not self.closed.is_set():
            self.reason = reason
            self.closed.set()
            self._voice.set()
            self._callbacks.forget(self._identity)
        await self._client.close()

    async def close(self) -> None:
        await self._end("closed")

    async def cut(self, reason: str = "cut") -> None:
        if self._cutting is not None and not self.closed.is_set():
            self._cutting.cancel()
        await self._end(reason)

    def abandon(self) -> trio.abc.AsyncResource | None:
        """Nobody listens any more. There is no socket that could linger."""
        self.reason = "abandoned"
        self.closed.set()
        self._callbacks.forget(self._identity)
        return None

    def mute(self) -> None:
        self._voice = trio.Event()

    def unmute(self) -> None:
        self._voice.set()
