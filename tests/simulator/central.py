"""A few lines of central system for the simulator's tests, on another WebSocket library than the simulator's.

Whatever a station sends, answers included, is validated against the official JSON schemas; what does not fit ends the test,
unless it is the garbage that a fault sends on purpose.
"""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import ocpp
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

_SCHEMAS = Path(ocpp.__file__).parent
_FOLDERS = {"ocpp1.6": ("v16", ""), "ocpp2.0.1": ("v201", "Request")}


@cache
def schema(protocol: str, action: str, answer: bool) -> jsonschema.protocols.Validator:
    folder, ending = _FOLDERS[protocol]
    path = _SCHEMAS / folder / "schemas" / f"{action}{'Response' if answer else ending}.json"
    found = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    return jsonschema.validators.validator_for(found)(found)


Rule = Callable[[dict[str, Any]], Any]


class Central:
    """Answers by `rules` (action -> payload -> result, None: no answer, Exception: CALLERROR); remembers all it heard."""

    def __init__(self, protocol: str = "ocpp1.6") -> None:
        self.protocol = protocol
        self.ssl: ssl.SSLContext | None = None
        self.peers: list[str] = []
        """Common names of the clients' certificates, connection by connection."""
        self.invalid: list[str] = []
        self.asked: dict[str, str] = {}
        self.heard: list[tuple[str, str, str, dict[str, Any]]] = []  # identity, unique id, action, payload
        self.raw: list[str] = []
        self.authorizations: list[str | None] = []
        self.sockets: dict[str, Any] = {}
        self.numbers: dict[str, int] = {}
        self.answers: dict[str, Any] = {}
        self.reject: int | None = None
        self.port = 0
        self.now: Callable[[], str] = lambda: datetime.now(UTC).isoformat()
        self.rules: dict[str, Rule] = {
            "BootNotification": lambda _: {"status": "Accepted", "currentTime": self.now(), "interval": 300},
            "Authorize": lambda _: {"idTagInfo" if protocol == "ocpp1.6" else "idTokenInfo": {"status": "Accepted"}},
            "StartTransaction": self._start,
            "StopTransaction": lambda _: {"idTagInfo": {"status": "Accepted"}},
        }

    def _start(self, payload: dict[str, Any]) -> dict[str, Any]:
        key = json.dumps(payload, sort_keys=True)
        number = self.numbers.setdefault(key, len(self.numbers) + 1)
        return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}

    @property
    def url(self) -> str:
        return f"{'ws' if self.ssl is None else 'wss'}://127.0.0.1:{self.port}/ocpp/t"

    def actions(self, action: str) -> list[dict[str, Any]]:
        return [payload for _, _, name, payload in self.heard if name == action]

    async def heard_of(self, action: str, count: int = 1) -> list[dict[str, Any]]:
        with trio.fail_after(60):
            while len(self.actions(action)) < count:
                await trio.sleep(0.01)
        return self.actions(action)

    async def command(self, identity: str, action: str, payload: dict[str, Any]) -> Any:
        """Send a CALL to a station and return its result, or ["code", "text"] of its CALLERROR."""
        unique_id = f"c{len(self.answers)}"
        self.answers[unique_id] = None
        self.asked[unique_id] = action
        await self.sockets[identity].send_message(json.dumps([2, unique_id, action, payload]))
        with trio.fail_after(60):
            while self.answers[unique_id] is None:
                await trio.sleep(0.01)
        return self.answers[unique_id]

    def _check(self, action: str | None, payload: Any, *, answer: bool) -> None:
        if action is None:
            return
        for error in schema(self.protocol, action, answer).iter_errors(payload):
            self.invalid.append(f"{action}{' answer' if answer else ''}: {error.json_path}: {error.message}")

    async def _serve(self, request: WebSocketRequest) -> None:
        identity = request.path.rsplit("/", 1)[1]
        headers = {name.lower(): value for name, value in request.headers}
        self.authorizations.append(headers.get(b"authorization", b"").decode() or None)
        try:
            if self.reject is not None:
                await request.reject(self.reject)
                return
            socket = await request.accept(subprotocol=self.protocol)
            self.sockets[identity] = socket
            if self.ssl is not None:
                subject = request._connection._stream.getpeercert()["subject"] if self.ssl.verify_mode else ()
                self.peers += [value for part in subject for name, value in part if name == "commonName"]
            while True:
                text = await socket.get_message()
                self.raw.append(text)
                await self._answer(identity, socket, text)
        except (ConnectionClosed, trio.BrokenResourceError):
            pass

    async def _answer(self, identity: str, socket: Any, text: str) -> None:
        try:
            kind, unique_id, *rest = json.loads(text, parse_float=Decimal)
        except ValueError:
            return
        if kind == 3:
            self._check(self.asked.get(unique_id), rest[0], answer=True)
            rest = json.loads(text)[2:]
            self.answers[unique_id] = rest[0]
        elif kind == 4:
            self.answers[unique_id] = rest[:2]
        elif kind == 2 and len(rest) == 2:
            if not str(unique_id).startswith("g-"):
                self._check(*rest, answer=False)
            action, payload = json.loads(text)[2:]
            self.heard.append((identity, unique_id, action, payload))
            result = self.rules.get(action, lambda _: {})(payload)
            if isinstance(result, Exception):
                await socket.send_message(json.dumps([4, unique_id, "InternalError", str(result), {}]))
            elif result is not None:
                await socket.send_message(json.dumps([3, unique_id, result]))


@asynccontextmanager
async def central_system(protocol: str = "ocpp1.6", tls: ssl.SSLContext | None = None) -> AsyncIterator[Central]:
    central = Central(protocol)
    central.ssl = tls
    async with trio.open_nursery() as nursery:
        server = await nursery.start(lambda **k: serve_websocket(central._serve, "127.0.0.1", 0, tls, **k))
        central.port = server.port
        yield central
        nursery.cancel_scope.cancel()
    assert central.invalid == []
