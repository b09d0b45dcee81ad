"""Certificates and credentials through the admin API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import trio
from cryptography import x509

from actors.model import intents as i
from actors.model.ids import station_address
from actors.model.intents import CommandFailure, CommandResult
from actors.model.rows import StationRow
from actors.ports import StationCard
from actors.station import messages as s
from actors.station.auth import verify_secret
from tests.gateways.web.rig import Rig, running
from tests.kits import pki
from tests.kits.patience import PATIENCE, until

S = "/api/v1/tenants/acme/stations/CP1"
T = "/api/v1/tenants/acme/authority"
HERE = station_address("acme", "CP1")


class Line:
    """A station that answers every CALL with what a function says, and remembers what it was told."""

    def __init__(self, rig: Rig, answer: Any) -> None:
        self.generation = 1
        self.protocol = "ocpp2.0.1"
        self.rig = rig
        self.answer = answer
        self.told: list[Any] = []

    def learn(self, boot: Any) -> None:
        pass

    def render(self, intent: Any) -> s.WireCall:
        self.told.append(intent)
        return s.WireCall(type(intent).__name__, b"{}")

    def call(self, command: str, wire: s.WireCall, timeout: float) -> None:
        outcome = self.answer(self.told[-1])
        if outcome is not None:
            self.rig.system.tell(HERE, s.CommandDone(command, 1, outcome))

    def close(self, code: int, reason: str) -> None: ...


@asynccontextmanager
async def acme(answer: Any = lambda intent: CommandResult("Accepted")) -> AsyncIterator[tuple[Rig, httpx.AsyncClient, Line]]:
    with trio.fail_after(PATIENCE):
        async with running() as rig:
            client = await rig.tenant("acme")
            made = await client.put(S, json={"evses": 1, "auth": {"profile": 1, "password": "the-first-password"}})
            assert made.status_code == 201, made.text
            line = Line(rig, answer)
            await rig.system.ask(HERE, s.Connected(line, "ocpp2.0.1", 1, "peer"), deadline=PATIENCE)
            await rig.system.ask(HERE, s.Boot("V", "M", "SN-1"), deadline=PATIENCE)
            yield rig, client, line


def card(rig: Rig) -> StationCard:
    found = rig.cards.station("acme", "CP1")
    assert found is not None
    return found


async def items(client: httpx.AsyncClient) -> Any:
    """What the station has, as far as it is known."""
    return (await client.get(S + "/certificates")).json()["items"]


async def test_the_tenants_ca_is_made_once_and_can_be_downloaded() -> None:
    async with acme() as (_, client, _):
        assert (await client.get(T)).json() == {"chain": [], "trusted": [], "revoked": []}
        assert (await client.get(T + "/certificate")).status_code == 404
        made = (await client.post(T)).json()["chain"]
        assert (await client.post(T)).json()["chain"] == made
        pem = await client.get(T + "/certificate")
        assert pem.headers["content-type"] == "application/x-pem-file"
        issuing, root = x509.load_pem_x509_certificates(pem.content)
        issuing.verify_directly_issued_by(root)
        assert [f"{each.serial_number:x}" for each in (issuing, root)] == [view["serial"] for view in made]


async def test_other_cas_are_trusted_and_no_longer() -> None:
    async with acme() as (_, client, _):
        ca = pki.Ca("MO root")
        made = await client.post(T + "/trusted", json={"use": "contract", "certificate": ca.pem})
        assert made.status_code == 201
        assert (await client.post(T + "/trusted", json={"use": "contract", "certificate": ca.pem})).status_code == 200
        leaf = await client.post(T + "/trusted", json={"use": "contract", "certificate": ca.issue("EMAID").pem})
        assert leaf.status_code == 422 or leaf.status_code == 400, leaf.text
        (trusted,) = (await client.get(T)).json()["trusted"]
        assert (trusted["use"], trusted["subject"]) == ("contract", "O=Test,CN=MO root")
        gone = await client.delete(f"{T}/trusted/contract/{trusted['fingerprint']}")
        assert gone.status_code == 204
        assert (await client.delete(f"{T}/trusted/contract/{trusted['fingerprint']}")).status_code == 404
        assert (await client.get(T)).json()["trusted"] == []


async def test_another_tenant_sees_none_of_it() -> None:
    async with acme() as (rig, _, _):
        other = await rig.tenant("other")
        for path in (T, T + "/certificate", S + "/certificates"):
            assert (await other.get(path)).status_code == 404
        assert (await other.post(S + "/auth/rotate")).status_code == 404


async def test_a_root_is_installed_listed_and_removed() -> None:
    async with acme() as (_, client, line):
        root = pki.Ca("V2G root")
        ordered = await client.post(S + "/certificates/install", json={"type": "V2GRootCertificate", "certificate": root.pem})
        assert ordered.status_code == 202, ordered.text
        await until(lambda: any(isinstance(told, i.InstallCertificate) for told in line.told))
        (installed,) = await until(lambda: items(client))
        assert (installed["kind"], installed["type"], installed["subject"]) == (
            "installed", "V2GRootCertificate", "O=Test,CN=V2G root",
        )  # fmt: skip
        gone = await client.post(S + "/certificates/remove", json={"hash": installed["hash"]})
        assert gone.status_code == 202
        while await items(client):
            await trio.sleep(0.01)
        told = next(told for told in line.told if isinstance(told, i.DeleteCertificate))
        assert told.type == "V2GRootCertificate", "for a station that keeps those elsewhere"
        bad = await client.post(S + "/certificates/install", json={"type": "V2GRootCertificate", "certificate": "nothing"})
        assert bad.json()["errors"][0]["pointer"] == "/certificate"


async def test_what_a_station_has_installed_is_asked_type_by_type() -> None:
    root = pki.Ca("MO root")
    told_hash = {"algorithm": "SHA256", "issuer_name_hash": "AA", "issuer_key_hash": "BB", "serial_number": "1f"}

    def answer(intent: Any) -> CommandResult:
        if isinstance(intent, i.GetInstalledCertificateIds) and intent.types == ("MORootCertificate",):
            entry = {"type": "MORootCertificate", "hash": told_hash, "children": []}
            return CommandResult("Accepted", {"certificates": [entry]})
        return CommandResult("NotFound")

    async with acme(answer) as (_, client, line):
        assert root
        ordered = await client.post(S + "/certificates/read")
        assert len(ordered.json()["orders"]) == 5
        await until(lambda: sum(isinstance(told, i.GetInstalledCertificateIds) for told in line.told) == 5)
        held = await until(lambda: items(client))
        assert held[0]["hash"] == told_hash


def new_password_of(line: Line) -> bytes:
    told = next(told for told in reversed(line.told) if isinstance(told, i.SetVariable))
    assert told.ref == i.VariableRef("SecurityCtrlr", "BasicAuthPassword")
    return told.value.encode()


async def test_a_rotated_password_is_the_only_one_once_the_station_accepted_it_and_nobody_is_shown_it() -> None:
    async with acme() as (rig, client, line):
        answer = await client.post(S + "/auth/rotate")
        assert answer.json() == {"status": "Accepted"}
        new = new_password_of(line)
        assert verify_secret(card(rig).secret, new)
        assert card(rig).next_secret is None
        assert not verify_secret(card(rig).secret, b"the-first-password")
        shown = await rig.system.ask(HERE, s.Look(), deadline=PATIENCE)
        everything = repr(shown) + repr(rig.rows.events) + repr(rig.rows.audit) + repr(list(rig.rows.traces))
        assert new.decode() not in everything


async def test_a_station_that_refuses_keeps_its_old_password() -> None:
    async with acme(lambda intent: CommandResult("Rejected")) as (rig, client, line):
        assert (await client.post(S + "/auth/rotate")).json() == {"status": "Rejected"}
        assert verify_secret(card(rig).secret, b"the-first-password")
        assert card(rig).next_secret is None
        assert not verify_secret(card(rig).secret, new_password_of(line))


async def test_without_an_answer_both_are_valid_until_the_station_shows_which_it_has() -> None:
    for secret, old_is_good in (("next", False), ("current", True)):
        async with acme(lambda intent: CommandFailure("timeout")) as (rig, client, line):
            assert (await client.post(S + "/auth/rotate")).json() == {"status": "Unknown"}
            new = new_password_of(line)
            assert verify_secret(card(rig).secret, b"the-first-password")
            assert verify_secret(card(rig).next_secret, new)
            again = await client.post(S + "/auth/rotate")
            assert again.status_code == 409, "a third one could lock the station out"
            fresh = Line(rig, line.answer)
            fresh.generation = 2
            rig.system.tell(HERE, s.Connected(fresh, "ocpp2.0.1", 2, "peer", 1, secret))
            await until(lambda rig=rig: card(rig).next_secret is None)
            assert verify_secret(card(rig).secret, b"the-first-password") == old_is_good
            assert verify_secret(card(rig).secret, new) == (not old_is_good)


async def test_the_new_hash_is_durable_before_the_station_is_told() -> None:
    seen: list[bool] = []

    async with acme() as (rig, client, line):

        def answer(intent: Any) -> CommandResult:
            row = next(row for row in rig.rows.table(StationRow) if row.station == "CP1")
            seen.append(verify_secret(row.auth_next, intent.value.encode()))
            return CommandResult("Accepted")

        line.answer = answer
        await client.post(S + "/auth/rotate")
    assert seen == [True]


async def test_a_2_x_station_rises_by_a_network_profile_its_priority_and_a_reset() -> None:
    async with acme() as (rig, client, line):
        body = {"profile": 2, "url": "wss://csms.example/ocpp/acme", "slot": 2}
        assert (await client.post(S + "/auth/profile", json={"profile": 2})).json()["errors"][0]["pointer"] == "/url"
        assert (await client.post(S + "/auth/profile", json=body)).status_code == 202
        await until(lambda: any(isinstance(told, i.Reset) for told in line.told))
        network, priority, reset = line.told[-3:]
        assert (network.slot, network.profile.security_profile, network.profile.csms_url) == (2, 2, body["url"])
        assert (priority.ref.variable, priority.value) == ("NetworkConfigurationPriority", "2")
        assert reset == i.Reset("OnIdle")
        assert (card(rig).profile, card(rig).next_profile) == (1, 2), "both are good until it comes"
        fresh = Line(rig, line.answer)
        fresh.generation = 2
        rig.system.tell(HERE, s.Connected(fresh, "ocpp2.0.1", 2, "peer", 2, "current"))
        await until(lambda: card(rig).profile == 2)
        lower = {"setVariableData": [{"attributeValue": "1", "component": {"name": "SecurityCtrlr"},
                                      "variable": {"name": "SecurityProfile"}}]}  # fmt: skip
        refused = await client.post(S + "/commands/SetVariables", json=lower, params={"version": "ocpp2.0.1"})
        assert refused.status_code == 409, refused.text
        third = await client.post(S + "/auth/profile", json={**body, "profile": 3})
        assert third.status_code == 409
        assert "certificate" in third.json()["detail"]


async def test_firmware_that_no_trusted_manufacturer_stands_for_is_not_offered() -> None:
    maker = pki.Ca("maker")

    def body(leaf: pki.Leaf) -> dict[str, Any]:
        firmware = {
            "location": "https://x/fw.bin", "retrieveDateTime": "2026-03-02T12:00:00Z", "signingCertificate": leaf.pem,
            "signature": "AAAA",
        }  # fmt: skip
        return {"requestId": 7, "firmware": firmware}

    async with acme() as (_, client, line):
        expired = maker.issue("fw", days=1, since=timedelta(days=3))
        refused = await client.post(S + "/commands/UpdateFirmware", json=body(expired), params={"version": "ocpp2.0.1"})
        assert refused.json()["errors"][0]["pointer"] == "/firmware/signingCertificate", "whoever is trusted"
        made = await client.post(T + "/trusted", json={"use": "manufacturer", "certificate": maker.pem})
        assert made.status_code == 201
        stranger = pki.Ca("stranger").issue("firmware")
        refused = await client.post(S + "/commands/UpdateFirmware", json=body(stranger), params={"version": "ocpp2.0.1"})
        assert refused.status_code in (400, 422)
        assert "manufacturer" in refused.json()["detail"]
        assert refused.json()["errors"][0]["pointer"] == "/firmware/signingCertificate", "as the caller called it"
        good = await client.post(S + "/commands/UpdateFirmware", json=body(maker.issue("fw")), params={"version": "ocpp2.0.1"})
        assert good.status_code == 200, good.text
        assert next(told for told in line.told if isinstance(told, i.UpdateFirmware)).request_id == 7


async def test_a_station_that_refuses_the_network_profile_stays_where_it_is() -> None:
    async with acme(lambda intent: CommandResult("Rejected")) as (rig, client, line):
        body = {"profile": 2, "url": "wss://csms.example/ocpp/acme"}
        await client.post(S + "/auth/profile", json=body)
        await until(lambda: any(event.kind == "station.profile" for event in rig.rows.events))
        assert [event.body["step"] for event in rig.rows.events if event.kind == "station.profile"] == ["failed"]
        assert card(rig).next_profile == 0
        assert not any(isinstance(told, i.Reset) for told in line.told)
