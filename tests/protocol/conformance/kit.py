"""Conformance from the station's side: a real node, real sockets, and a station that judges every frame it gets.

    @case("TC_B_06", "A variable is read", "its value is in the answer and in the device model")
    async def test_...(csms: Csms) -> None:
        async with csms.station() as station:
            await station.boot()

A case is an asyncio function: the station and the operator share nothing with the node but its sockets. `Station` speaks
raw OCPP-J over the `websockets` package; every frame in either direction is validated against the official schemas that
the PyPI `ocpp` package brings, and a frame of the CSMS that breaks its schema fails the test, whatever else it asserts.
The API is asked like any operator would.
"""

import asyncio
import base64
import functools
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import websockets
from ocpp.messages import get_validator

from tests.chaos.process import Node, free_ports
from tests.kits import pki

TENANT = "conf"
PASSWORD = "conformance-password-1"
TAG = "04A1B2C3D4E5F6"
"""Accepted. More tokens are put by the cases that need them."""
PATIENCE = 60.0
"""Seconds: a net under what would never come. No case depends on it."""
TARIFF = {
    "country_code": "DE", "party_id": "CON", "id": "T1", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1}]}],
}  # fmt: skip
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: the API is asked in plain HTTP, and to read the machine's certificates takes longer than most cases."""
VERSIONS = {"ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}
Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


CASES: dict[str, list[str]] = {}
"""Case of annex F (or of ours, for 1.6) -> names of the tests that cover it; filled by the decorator, shown by the table."""


def case(*ids: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Marks an asyncio function as the test of these cases, and lets pytest run it."""

    def mark(function: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        for id in ids:
            CASES.setdefault(id, []).append(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            asyncio.run(_whole(function(*args, **kwargs)))

        return run

    return mark


async def _whole(test: Awaitable[None]) -> None:
    async with asyncio.timeout(5 * PATIENCE):
        try:
            await test
        finally:
            client = _clients.pop(asyncio.get_running_loop(), None)
            if client is not None:
                await client.aclose()


_clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}


def now(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def complaint(kind: int, action: str, protocol: str, payload: Any) -> str | None:
    """What is wrong with a payload by its official schema. 2: CALL, 3: CALLRESULT."""
    version = VERSIONS[protocol]
    exact = version == "1.6" and action in ("SetChargingProfile", "RemoteStartTransaction", "GetCompositeSchedule")
    if exact:
        payload = json.loads(json.dumps(payload), parse_float=Decimal)
    validator = get_validator(kind, action, version, Decimal if exact else float)
    errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(payload)]
    return "; ".join(errors) or None


class CallError(Exception):
    """The CSMS answered a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class Station:
    """A station of one test. `answers`: action -> what it answers to that command (a dict, or a function of the payload);
    `heard`: every command it got, in order. Commands without an answer get NotImplemented."""

    def __init__(self, csms: "Csms", identity: str, protocol: str, answers: dict[str, Answer]) -> None:
        self.csms, self.identity, self.protocol = csms, identity, protocol
        version = "versionNumber" if protocol == "ocpp2.0.1" else "listVersion"
        own: dict[str, Answer] = {"GetLocalListVersion": lambda _: {version: self.list_version}}
        self.answers: dict[str, Answer] = {**DEFAULTS[protocol], **own, **answers}
        self.list_version = 0
        """Of the local list that it accepted last."""
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.wrong: list[str] = []
        """What the CSMS sent that its schema forbids."""
        self.socket: Any = None
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._actions: dict[str, str] = {}
        self._news = asyncio.Condition()

    # -- as a station does

    async def call(self, action: str, payload: dict[str, Any] | None = None, id: str | None = None) -> dict[str, Any]:
        """A CALL to the CSMS; its answer. Raises CallError."""
        payload = payload or {}
        bad = complaint(2, action, self.protocol, payload)
        assert bad is None, f"the test itself sends a wrong {action}: {bad}"
        return await self.raw(action, payload, id)

    async def raw(self, action: str, payload: Any, id: str | None = None) -> dict[str, Any]:
        """The same without looking at the schema first."""
        id = id or f"{self.identity}-{next(self._numbers)}"
        future = asyncio.get_running_loop().create_future()
        self._waiting[id], self._actions[id] = future, action
        await self.socket.send(json.dumps([2, id, action, payload]))
        answer: dict[str, Any] = await asyncio.wait_for(future, PATIENCE)
        return answer

    async def boot(self, reason: str = "PowerUp", **more: Any) -> dict[str, Any]:
        if self.protocol == "ocpp1.6":
            return await self.call("BootNotification", {"chargePointVendor": "Conf", "chargePointModel": "One", **more})
        station = {"vendorName": "Conf", "model": "One", "serialNumber": self.identity[:25], "firmwareVersion": "1.0", **more}
        return await self.call("BootNotification", {"reason": reason, "chargingStation": station})

    async def status(self, evse: int, status: str, connector: int = 1) -> None:
        """StatusNotification in the station's words."""
        if self.protocol == "ocpp1.6":
            payload = {"connectorId": evse, "errorCode": "NoError", "status": status, "timestamp": now()}
        else:
            payload = {"evseId": evse, "connectorId": connector, "connectorStatus": status, "timestamp": now()}
        assert await self.call("StatusNotification", payload) == {}

    async def event(self, kind: str, transaction: str, seq: int, trigger: str, **more: Any) -> dict[str, Any]:
        """TransactionEvent; `info` are further fields of transactionInfo."""
        info = {"transactionId": transaction, **more.pop("info", {})}
        payload = {"eventType": kind, "timestamp": more.pop("at", now()), "triggerReason": trigger, "seqNo": seq}
        return await self.call("TransactionEvent", {**payload, "transactionInfo": info, **more})

    def said(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the commands of this action so far."""
        return [payload for heard, payload in self.heard if heard == action]

    async def hears(self, action: str, count: int = 1) -> dict[str, Any]:
        """Wait for the `count`-th command of this action; its payload."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self.said(action)) >= count)
        return self.said(action)[count - 1]

    # -- as the operator does

    async def command(self, action: str, payload: dict[str, Any] | None = None, version: str | None = None) -> dict[str, Any]:
        """A command through the API in the station's own version; the API's answer."""
        answer = await self.try_command(action, payload, version)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def try_command(self, action: str, payload: dict[str, Any] | None = None, version: str | None = None) -> httpx.Response:
        return await self.csms.api.post(
            f"{self.path}/commands/{action}", json=payload or {}, params={"version": version or self.protocol}
        )

    @property
    def path(self) -> str:
        return f"/tenants/{TENANT}/stations/{self.identity}"

    async def get(self, what: str = "", **params: Any) -> Any:
        """GET of the station, or of something under it; `items` of a list."""
        return await self.csms.get(f"{self.path}{'/' if what else ''}{what}", **params)

    async def book(self, name: str) -> dict[str, dict[str, Any]]:
        """Entries of one of the station's books by key."""
        rows = await self.get(f"books/{name}", limit=1000)
        return {row["key"]: row for row in rows}

    async def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.csms.get(f"/tenants/{TENANT}/sessions", station=self.identity, limit=100)
        return found

    async def session(self) -> dict[str, Any]:
        """The one session there is, whole."""
        (row,) = await self.sessions()
        found: dict[str, Any] = await self.csms.get(f"/tenants/{TENANT}/sessions/{row['id']}")
        return found

    async def variable(self, component: str, variable: str) -> dict[str, Any] | None:
        rows = await self.get("variables", limit=1000)
        wanted = (component, variable)
        return next((row for row in rows if (row["component"]["name"], row["variable"]["name"]) == wanted), None)

    # -- the socket

    async def read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            async for text in self.socket:
                await self._received(json.loads(text))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the CSMS closed the connection"))

    async def _received(self, frame: list[Any]) -> None:
        kind, id = frame[0], frame[1]
        if kind == 2:
            await self._commanded(id, frame[2], frame[3])
            return
        future, action = self._waiting.pop(id, None), self._actions.pop(id, "")
        if future is None:
            self.wrong.append(f"an answer to nothing: {frame}")
        elif kind == 3:
            bad = complaint(3, action, self.protocol, frame[2])
            if bad is not None:
                self.wrong.append(f"answer to {action}: {bad}: {frame[2]}")
            future.set_result(frame[2])
        else:
            future.set_exception(CallError(frame[2], frame[3]))

    async def _commanded(self, id: str, action: str, payload: dict[str, Any]) -> None:
        bad = complaint(2, action, self.protocol, payload)
        if bad is not None:
            self.wrong.append(f"{action}: {bad}: {payload}")
        answer = self.answers.get(action)
        if answer is None:
            reply = [4, id, "NotImplemented", "", {}]
        else:
            told = answer(payload) if callable(answer) else answer
            bad = complaint(3, action, self.protocol, told)
            assert bad is None, f"the test itself answers {action} wrongly: {bad}"
            reply = [3, id, told]
            if action == "SendLocalList" and told["status"] == "Accepted":
                self.list_version = payload["versionNumber" if self.protocol == "ocpp2.0.1" else "listVersion"]
        async with self._news:  # whoever hears of the command does so when it is answered, and before the answer can be told
            self.heard.append((action, payload))
            await self.socket.send(json.dumps(reply))
            self._news.notify_all()


class TlsNode(Node):
    """With TLS beside the plain port, and URLs on this machine allowed: responders and pools run here. `more`: settings."""

    def __init__(self, home: Path, **more: str) -> None:
        super().__init__(home)
        self.home = home
        (self.tls_port,) = free_ports(1)
        chain, key = pki.server(home)
        self.more = {
            "CSMS_OCPP__TLS_PORT": str(self.tls_port),
            "CSMS_OCPP__TLS_CERTIFICATE": str(chain),
            "CSMS_OCPP__TLS_KEY": str(key),
            "CSMS_EGRESS__ALLOW": '["127.0.0.0/8"]',
            **more,
        }

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self.more


class Csms:
    """The node as a whole: one for all tests, a station and an operator's client for each."""

    def __init__(self, node: TlsNode, token: str) -> None:
        self.node = node
        self.token = token
        self.owner = node.owner
        self._identities = itertools.count(1)

    @property
    def api(self) -> httpx.AsyncClient:
        """The tenant administrator's client of the running loop."""
        loop = asyncio.get_running_loop()
        client = _clients.get(loop)
        if client is None:
            base = f"http://127.0.0.1:{self.node.http_port}/api/v1"
            headers = {"Authorization": f"Bearer {self.token}"}
            client = httpx.AsyncClient(base_url=base, headers=headers, timeout=PATIENCE, trust_env=False, verify=NO_TLS)
            _clients[loop] = client
        return client

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return told["items"] if isinstance(told, dict) and set(told) == {"items", "next"} else told

    def tls(self, leaf: pki.Leaf | None = None) -> ssl.SSLContext:
        """A client that trusts the node's certificate and shows `leaf`."""
        return pki.client(self.node.home / "server-root.pem", leaf, self.node.home)

    async def put_token(self, uid: str, type: str = "ISO14443", **body: Any) -> None:
        answer = await self.api.put(f"/tenants/{TENANT}/tokens/{type}/{uid}", json={"status": "Accepted", **body})
        assert answer.is_success, answer.text

    async def until(self, look: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool] = bool) -> Any:
        """Ask until it holds: what the API shows comes a moment after the commit. The last answer."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not holds(found := await look()):
            assert loop.time() < end, f"still not so: {found!r}"
            await asyncio.sleep(0.05)
        return found

    @asynccontextmanager
    async def station(
        self,
        protocol: str = "ocpp2.0.1",
        *,
        evses: int = 2,
        identity: str | None = None,
        boot: bool = True,
        answers: dict[str, Answer] | None = None,
        tls: ssl.SSLContext | None = None,
        **body: Any,
    ) -> AsyncIterator[Station]:
        """A registered station, connected and (unless `boot` is False) accepted. At the end no frame of ours was wrong."""
        identity = identity or f"CONF{next(self._identities):04d}"
        registered = {"evses": evses, "auth": {"profile": 1, "password": PASSWORD}, "tariff": "T1", **body}
        answer = await self.api.put(f"/tenants/{TENANT}/stations/{identity}", json=registered)
        assert answer.is_success, answer.text
        async with self.connected(identity, protocol, answers=answers, tls=tls) as station:
            if boot:
                assert (await station.boot())["status"] == "Accepted"
            yield station

    @asynccontextmanager
    async def connected(
        self,
        identity: str,
        protocol: str = "ocpp2.0.1",
        *,
        password: str | None = PASSWORD,
        user: str | None = None,
        answers: dict[str, Answer] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[Station]:
        """A connection of a station that is registered already. `password` None: it shows none; `tls`: over TLS."""
        station = Station(self, identity, protocol, answers or {})
        url = f"ws://127.0.0.1:{self.node.ocpp_port}" if tls is None else f"wss://localhost:{self.node.tls_port}"
        async with websockets.connect(
            f"{url}/ocpp/{TENANT}/{identity}",
            subprotocols=[protocol],  # type: ignore[list-item]
            additional_headers=basic(user or identity, password) if password is not None else {},
            ssl=tls,
            proxy=None,
        ) as station.socket:
            reading = asyncio.create_task(station.read())
            try:
                yield station
            finally:
                await station.socket.close()
                await reading
        assert not station.wrong, station.wrong


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ACCEPTED = {"status": "Accepted"}
DEFAULTS: dict[str, dict[str, Answer]] = {
    # What every station here answers to what the CSMS asks of its own accord.
    "ocpp2.0.1": {
        "GetBaseReport": {"status": "NotSupported"},
        "GetVariables": lambda payload: {
            "getVariableResult": [
                {"attributeStatus": "UnknownVariable", "component": one["component"], "variable": one["variable"]}
                for one in payload["getVariableData"]
            ]
        },
        "GetInstalledCertificateIds": {"status": "NotFound"},
        "TriggerMessage": {"status": "NotImplemented"},
    },
    "ocpp1.6": {"GetConfiguration": {"configurationKey": [], "unknownKey": []}},
}


def start_csms(home: Path, **more: str) -> Csms:
    """A node with tenant, tariff and token; `more`: settings. The caller stops it."""
    home.chmod(0o711)
    node = TlsNode(home, **more)
    node.start()
    with node.api() as api:
        body = {"id": TENANT, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"}
        created = api.post("/tenants", json=body)
        created.raise_for_status()
        api.put(f"/tenants/{TENANT}/tariffs/T1", json=TARIFF).raise_for_status()
        api.put(f"/tenants/{TENANT}/tokens/ISO14443/{TAG}", json={"status": "Accepted"}).raise_for_status()
    return Csms(node, created.json()["token"])


__all__ = ["ACCEPTED", "PASSWORD", "TAG", "TENANT", "CallError", "Csms", "Station", "basic", "case", "complaint", "now"]
