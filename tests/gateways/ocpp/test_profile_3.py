"""Security profile 3 on a real TLS socket: whose client certificate opens the door, and whose does not."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from cryptography import x509

from actors.model.certificate import card_of, station_uri
from actors.ports import AuthorityCard
from gateways.ocpp.tls import StationTls
from storage.cards import Cards
from tests.gateways.ocpp.node import TENANT, Node, connect, open_node, small_limits, upgrade
from tests.kits import pki

CPO = "Acme Charging"


class House:
    """A node with TLS, a tenant that trusts one CA, and station CP3 that must show a certificate."""

    def __init__(self, node: Node, folder: Path, ca: pki.Ca, tls: StationTls) -> None:
        self.node = node
        self.folder = folder
        self.ca = ca
        self.tls = tls

    def client(self, leaf: pki.Leaf | None = None) -> Any:
        return pki.client(self.folder / "server-root.pem", leaf, self.folder)

    def trust(self, *revoked: str, other: tuple[str, ...] = ()) -> None:
        trusted = tuple(("station", pem) for pem in other)
        self.node.cards.put_authority(AuthorityCard(TENANT, (self.ca.pem,), trusted, frozenset(revoked)))

    async def refused(self, leaf: pki.Leaf | None, identity: str = "CP3", auth: str = "") -> int:
        station, response = await upgrade(self.node, identity, tls=self.client(leaf), auth=auth)
        await station.aclose()
        return response.status

    def security_events(self) -> list[dict[str, Any]]:
        return [event.body for event in self.node.rows.events if event.kind == "station.security"]


@asynccontextmanager
async def house(tmp_path: Path, **settings: Any) -> AsyncIterator[House]:
    files = pki.server(tmp_path)
    cards = Cards()
    tls = StationTls([files], cards)
    async with open_node(tls=tls, ready=False, cards=cards, limits=small_limits()) as node:
        await node.create_tenant(cpo_name=CPO, **settings)
        await node.register("CP3", profile=3)
        found = House(node, tmp_path, pki.Ca("acme stations", organization=CPO), tls)
        found.trust()
        with trio.fail_after(60):
            yield found


async def test_a_certificate_of_the_tenants_ca_that_names_the_station_opens_the_door(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        leaf = h.ca.issue("CP3", organization=CPO)
        station = await connect(h.node, "CP3", tls=h.client(leaf), auth="")
        assert (await station.boot())["status"] == "Accepted"


async def test_an_rsa_certificate_does_as_well(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        leaf = h.ca.issue("CP3", organization=CPO, key=pki.rsa_key())
        station = await connect(h.node, "CP3", tls=h.client(leaf), auth="")
        assert (await station.boot())["status"] == "Accepted"


async def test_neither_a_password_nor_nothing_replaces_the_certificate(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        assert await h.refused(None) == 401
        _, response = await upgrade(h.node, "CP3", tls=h.client())  # with the right password of profile 2
        assert response.status == 401


async def test_a_certificate_of_another_station_operator_or_date_is_refused_and_told(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        cases = {
            "CN": h.ca.issue("CP4", organization=CPO),
            "O": h.ca.issue("CP3", organization="Somebody else"),
            "valid from": h.ca.issue("CP3", organization=CPO, days=1, since=timedelta(days=2)),
            "another station": h.ca.issue(
                "CP3", organization=CPO, names=(x509.UniformResourceIdentifier(station_uri("CP9")),)
            ),
        }  # fmt: skip
        for reason, leaf in cases.items():
            assert await h.refused(leaf) == 401, reason
            assert reason in h.security_events()[-1]["detail"]
        assert h.node.listener.stats()["refused_certificate"] == len(cases)
        assert {event["type"] for event in h.security_events()} == {"InvalidChargingStationCertificate"}


async def test_a_certificate_of_an_unknown_ca_does_not_even_pass_tls(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        stranger = pki.Ca("stranger").issue("CP3", organization=CPO)
        with pytest.raises((trio.BrokenResourceError, AssertionError)):
            await upgrade(h.node, "CP3", tls=h.client(stranger), auth="")


async def test_another_tenants_ca_does_not_count(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        other = pki.Ca("other brand", organization=CPO)
        h.node.cards.put_authority(AuthorityCard("other", (other.pem,)))
        assert await h.refused(other.issue("CP3", organization=CPO)) == 401
        assert "no CA that the tenant trusts" in h.security_events()[-1]["detail"]


async def test_a_ca_that_the_tenant_trusts_besides_its_own_counts_and_its_removal_too(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        other = pki.Ca("factory", organization="Maker")
        leaf = other.issue("CP3", organization=CPO)
        with pytest.raises((trio.BrokenResourceError, AssertionError)):
            await upgrade(h.node, "CP3", tls=h.client(leaf), auth="")
        h.trust(other=(other.pem,))
        station = await connect(h.node, "CP3", tls=h.client(leaf), auth="")
        await station.aclose()
        h.trust()
        with pytest.raises((trio.BrokenResourceError, AssertionError)):
            await upgrade(h.node, "CP3", tls=h.client(leaf), auth="")


async def test_a_revoked_certificate_is_refused_and_its_open_connection_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        leaf = h.ca.issue("CP3", organization=CPO)
        station = await connect(h.node, "CP3", tls=h.client(leaf), auth="")
        assert (await station.boot())["status"] == "Accepted"
        h.trust(card_of(leaf.certificate).fingerprint)
        assert await station.closed() == (1008, "the certificate was revoked")
        assert await h.refused(leaf) == 401


async def test_the_connection_is_closed_when_the_boot_names_another_serial_number(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        leaf = h.ca.issue("CP3", organization=CPO)
        station = await connect(h.node, "CP3", tls=h.client(leaf), auth="")
        boot = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "SN-1"}
        assert (await station.call("BootNotification", boot))["status"] == "Accepted", "the identity counts as well"
        card = h.node.cards.station(TENANT, "CP3")
        assert card is not None
        h.node.cards.put_station(msgspec.structs.replace(card, serial="SN-1"))
        by_serial = h.client(h.ca.issue("sn-1", organization=CPO))
        station = await connect(h.node, "CP3", tls=by_serial, auth="")
        assert (await station.call("BootNotification", boot))["status"] == "Accepted"
        impostor = await connect(h.node, "CP3", tls=by_serial, auth="")
        await impostor.send(msgspec.json.encode([2, "1", "BootNotification", {**boot, "chargePointSerialNumber": "SN-2"}]))
        assert await impostor.closed() == (1008, "the serial number is not that of the certificate")
        assert "SN-2" in h.security_events()[-1]["detail"]


async def test_profile_2_is_served_on_the_same_port_without_a_certificate(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.node.register("CP2", profile=2)
        station = await connect(h.node, "CP2", tls=h.client())
        assert (await station.boot())["status"] == "Accepted"


async def test_renewed_server_certificates_are_taken_over_and_bad_ones_left_aside(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.node.register("CP2", profile=2)
        assert not h.tls.look()
        (tmp_path / "server.pem").write_text("half a certificate")
        assert not h.tls.look()
        old = h.client()
        await connect(h.node, "CP2", tls=old)
        pki.server(tmp_path)  # the same files, another root
        later = (tmp_path / "server.pem").stat().st_mtime + 5
        os.utime(tmp_path / "server.pem", (later, later))
        assert h.tls.look()
        with pytest.raises(trio.BrokenResourceError):
            await connect(h.node, "CP2", tls=old)
        station = await connect(h.node, "CP2", tls=h.client())
        assert (await station.boot())["status"] == "Accepted"


async def test_both_kinds_of_server_keys_are_offered(tmp_path: Path) -> None:
    pairs = [pki.server(tmp_path, "rsa", key=pki.rsa_key()), pki.server(tmp_path, "ec")]
    cards = Cards()
    async with open_node(tls=StationTls(pairs, cards), cards=cards) as node:
        await node.register("CP2", profile=2)
        for stem, ciphers in (("rsa", "AES128-GCM-SHA256"), ("ec", "ECDHE-ECDSA-AES128-GCM-SHA256")):
            context = pki.client(tmp_path / f"{stem}-root.pem")
            context.maximum_version = context.minimum_version
            context.set_ciphers(ciphers)
            with trio.fail_after(60):
                station = await connect(node, "CP2", tls=context)
                assert (await station.boot())["status"] == "Accepted"


async def test_nobody_is_asked_for_a_certificate_before_a_tenant_trusts_a_ca(tmp_path: Path) -> None:
    cards = Cards()
    tls = StationTls([pki.server(tmp_path)], cards)
    async with open_node(tls=tls, cards=cards) as node:
        await node.register("CP2", profile=2)
        factory = pki.client(tmp_path / "server-root.pem", pki.Ca("factory").issue("X"), tmp_path)
        with trio.fail_after(60):
            station = await connect(node, "CP2", tls=factory)
            assert (await station.boot())["status"] == "Accepted"
