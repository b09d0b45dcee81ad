"""`csms up` with TLS: the PyPI `ocpp` client gets a certificate over profile 2, rises to profile 3, and a SIGKILL in between
changes nothing."""

import asyncio
import base64
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.chaos.process import PASSWORD, TENANT, Node, free_ports
from tests.kits import pki

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
WAITS = 120
"""Seconds that the station waits for anything: a safety net."""


class SecureNode(Node):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.home = home
        (self.tls_port,) = free_ports(1)
        self.files = [pki.server(home, "rsa", key=pki.rsa_key()), pki.server(home, "ec")]

    @property
    def environment(self) -> dict[str, str]:
        (first, first_key), (second, second_key) = self.files
        return super().environment | {
            "CSMS_OCPP__TLS_PORT": str(self.tls_port),
            "CSMS_OCPP__TLS_CERTIFICATE": str(first),
            "CSMS_OCPP__TLS_KEY": str(first_key),
            "CSMS_OCPP__TLS_CERTIFICATE_2": str(second),
            "CSMS_OCPP__TLS_KEY_2": str(second_key),
        }

    def client(self, leaf: pki.Leaf | None = None) -> ssl.SSLContext:
        return pki.client(self.home / "ec-root.pem", leaf, self.home)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SecureNode]:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o711)
    running = SecureNode(tmp_path)
    try:
        running.start()
        with running.api() as api:
            tenant: dict[str, Any] = {
                "id": TENANT,
                "currency": "EUR",
                "country": "DE",
                "time_zone": "Europe/Berlin",
                "settings": {"cpo_name": "Acme"},
            }
            api.post("/tenants", json=tenant).raise_for_status()
            body = {"evses": 1, "auth": {"profile": 2, "password": PASSWORD}}
            api.put(f"/tenants/{TENANT}/stations/CP1", json=body).raise_for_status()
        yield running
    finally:
        running.end()


class Station(ChargePoint):  # type: ignore[misc]
    def __init__(self, socket: Any) -> None:
        super().__init__("CP1", socket, response_timeout=WAITS)
        self.chain: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.keys: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    @on(Action.certificate_signed)
    def signed(self, certificate_chain: str, **more: Any) -> Any:
        self.chain.set_result(certificate_chain)
        return call_result.CertificateSigned(status="Accepted")

    @on(Action.get_configuration)
    def configuration(self, **more: Any) -> Any:
        return call_result.GetConfiguration()

    @on(Action.change_configuration)
    def changed(self, key: str, value: str) -> Any:
        self.keys.put_nowait((key, value))
        return call_result.ChangeConfiguration(status="Accepted")


async def _online(node: SecureNode, leaf: pki.Leaf | None, *, password: bool) -> tuple[Any, Station, Any]:
    basic = base64.b64encode(f"CP1:{PASSWORD}".encode()).decode()
    socket = await connect(
        f"wss://localhost:{node.tls_port}/ocpp/{TENANT}/CP1",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        additional_headers={"Authorization": f"Basic {basic}"} if password else {},
        ssl=node.client(leaf),
        proxy=None,
        open_timeout=WAITS,
        ping_timeout=WAITS,
    )
    station = Station(socket)
    reading = asyncio.ensure_future(station.start())
    boot = call.BootNotification(charge_point_model="M", charge_point_vendor="V", charge_point_serial_number="SN-7")
    assert (await station.call(boot)).status == "Accepted"
    return socket, station, reading


async def _certified(node: SecureNode) -> pki.Leaf:
    socket, station, reading = await _online(node, None, password=True)
    request, key = pki.csr("SN-7", "Acme")
    assert (await station.call(call.SignCertificate(csr=request))).status == "Accepted"
    chain = pki.x509.load_pem_x509_certificates((await asyncio.wait_for(station.chain, WAITS)).encode())
    await asyncio.to_thread(_until, node, "certificates", lambda held: held["status"] == "accepted")
    reading.cancel()
    await socket.close()
    return pki.Leaf(chain[0], key)


async def _raised(node: SecureNode, leaf: pki.Leaf) -> None:
    socket, station, reading = await _online(node, None, password=True)
    ordered = await asyncio.to_thread(_order, node)
    assert ordered == 202
    assert await asyncio.wait_for(station.keys.get(), WAITS) == ("SecurityProfile", "3")
    told = "messages?action=ChangeConfiguration"
    await asyncio.to_thread(_until, node, told, lambda frame: frame["direction"] == "in")
    reading.cancel()
    await socket.close()


def _until(node: SecureNode, what: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    """The node has heard what the station has just said: it lists one that is as wanted."""
    end = time.monotonic() + WAITS
    with node.api() as api:
        while not any(map(wanted, items := api.get(f"/tenants/{TENANT}/stations/CP1/{what}").json()["items"])):
            assert time.monotonic() < end, items
            time.sleep(0.05)


def _order(node: SecureNode) -> int:
    with node.api() as api:
        return api.post(f"/tenants/{TENANT}/stations/CP1/auth/profile", json={"profile": 3}).status_code


def _profile(node: SecureNode) -> int:
    with node.api() as api:
        return int(api.get(f"/tenants/{TENANT}/stations/CP1").json()["auth"]["profile"])


def test_a_station_gets_its_certificate_and_rises_to_profile_3_through_a_sigkill(node: SecureNode) -> None:
    leaf = asyncio.run(_certified(node))
    node.kill()
    node.start()
    asyncio.run(_raised(node, leaf))
    assert _profile(node) == 2, "it has not come yet"
    node.kill()
    node.start()

    async def by_certificate() -> None:
        socket, _, reading = await _online(node, leaf, password=False)
        reading.cancel()
        await socket.close()

    asyncio.run(by_certificate())
    assert _profile(node) == 3
    with pytest.raises(InvalidStatus, match="401"):
        asyncio.run(_online(node, None, password=True))
    with node.api() as api:
        (issued,) = [
            held for held in api.get(f"/tenants/{TENANT}/stations/CP1/certificates").json()["items"] if held["kind"] == "issued"
        ]
        assert issued["status"] == "accepted"
        chain = api.get(f"/tenants/{TENANT}/authority/certificate")
        assert chain.text.count("BEGIN CERTIFICATE") == 2
        assert "PRIVATE" not in chain.text
    code, said = node.audit()
    assert (code, said) == (0, ""), said
