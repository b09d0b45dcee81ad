"""The security extension of 1.6 on a socket: what a station says is kept, and what it is told is what was meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import trio

from actors.model import intents as i
from actors.model.ids import station_address
from actors.model.rows import BookRow
from actors.station import messages as s
from tests.gateways.ocpp.node import PASSWORD, TENANT, Node, Station, basic, connect, open_node, upgrade
from tests.kits import pki

HERE = station_address(TENANT, "CP1")
AT = "2026-03-02T12:00:00Z"


def book(node: Node, name: str) -> list[dict[str, Any]]:
    return [row.body for row in node.rows.table(BookRow) if row.book == name]


async def test_what_a_station_says_in_it_is_answered_and_kept() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            event = {"type": "TamperDetectionActivated", "timestamp": AT, "techInfo": "door"}
            for _ in range(2):
                assert await station.call("SecurityEventNotification", event) == {}
            (kept,) = book(node, "security")
            assert (kept["type"], kept["critical"], kept["tech_info"]) == ("TamperDetectionActivated", True, "door")
            assert await station.call("SecurityEventNotification", {"type": "x"}) != {}, "a time is needed"
            assert await station.call("LogStatusNotification", {"status": "Uploaded", "requestId": 4}) == {}
            assert [(line["status"], line["request_id"]) for line in book(node, "log")] == [("Uploaded", 4)]
            told = {"status": "InvalidSignature", "requestId": 5}
            assert await station.call("SignedFirmwareStatusNotification", told) == {}
            assert [(line["status"], line["request_id"]) for line in book(node, "firmware")] == [("InvalidSignature", 5)]


async def _told(node: Node, station: Station, intent: i.AnyIntent, answer: dict[str, Any]) -> tuple[str, Any, Any]:
    """(action, payload, result) of a command that the station answers."""
    outcome: list[Any] = []
    not_after = datetime.now(UTC) + timedelta(seconds=60)

    async def command() -> None:
        outcome.append(await node.ask(HERE, s.Command(f"c{id(intent)}", intent, not_after, "op")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(command)
        call = await station.message()
        await station.send(msgspec.json.encode([3, call[1], answer]))
    return call[2], call[3], outcome[0].outcome


async def test_every_command_of_it_goes_out_as_its_schema_has_it_and_its_answer_comes_back() -> None:
    root = pki.Ca("root").pem
    hash = i.CertificateHash("SHA256", "aa", "bb", "1f")
    wire = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
    at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    accepted = {"status": "Accepted"}
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            cases: list[tuple[i.AnyIntent, dict[str, Any], str, Any, dict[str, Any]]] = [
                (i.CertificateSigned(root), accepted, "CertificateSigned", {"certificateChain": root}, {}),
                (
                    i.InstallCertificate("CSMSRootCertificate", root), accepted, "InstallCertificate",
                    {"certificateType": "CentralSystemRootCertificate", "certificate": root}, {},
                ),
                (i.DeleteCertificate(hash), {"status": "NotFound"}, "DeleteCertificate", {"certificateHashData": wire}, {}),
                (
                    i.GetInstalledCertificateIds(("ManufacturerRootCertificate",)),
                    {"status": "Accepted", "certificateHashData": [wire]}, "GetInstalledCertificateIds",
                    {"certificateType": "ManufacturerRootCertificate"},
                    {"certificates": [
                        {"type": "ManufacturerRootCertificate", "hash": msgspec.to_builtins(hash), "children": []},
                    ]},
                ),
                (
                    i.Trigger("SignChargingStationCertificate"), accepted, "ExtendedTriggerMessage",
                    {"requestedMessage": "SignChargePointCertificate"}, {},
                ),
                (
                    i.GetLog("https://x/log", "SecurityLog", 8, oldest=at), {"status": "Accepted", "filename": "a.log"}, "GetLog",
                    {
                        "log": {"remoteLocation": "https://x/log", "oldestTimestamp": AT}, "logType": "SecurityLog",
                        "requestId": 8,
                    },
                    {"file_name": "a.log"},
                ),
                (
                    i.UpdateFirmware("https://x/fw", at, 9, signing_certificate=root, signature="AAAA"),
                    {"status": "InvalidCertificate"}, "SignedUpdateFirmware",
                    {
                        "requestId": 9,
                        "firmware": {
                            "location": "https://x/fw", "retrieveDateTime": AT, "signingCertificate": root, "signature": "AAAA",
                        },
                    },
                    {},
                ),
            ]  # fmt: skip
            for intent, answer, action, payload, data in cases:
                told, sent, outcome = await _told(node, station, intent, answer)
                assert (told, sent) == (action, payload)
                assert outcome == i.CommandResult(answer["status"], data)
            plain = i.GetLog("https://x/log")
            assert (await _told(node, station, plain, {"fileName": "b"}))[0] == "GetDiagnostics"
            await station.call("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": AT})
            again = msgspec.structs.replace(plain, location="https://y/log")
            assert (await _told(node, station, again, accepted))[0] == "GetLog", "it has shown that it speaks the extension"


async def test_a_new_authorization_key_goes_out_as_hex_and_comes_back_as_bytes() -> None:
    new = "a-new-password-1234"
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            change = i.SetVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword"), new)
            action, payload, outcome = await _told(node, station, change, {"status": "Accepted"})
            assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
            assert bytes.fromhex(payload["value"]) == new.encode()
            assert outcome.status == "Accepted"
            traces = " ".join(row.body for row in node.traces("CP1"))
            assert payload["value"] not in traces
            assert new not in traces
            for password, status in ((new.encode(), 101), (PASSWORD, 401), (new.encode().hex().encode(), 101)):
                other, response = await upgrade(node, auth=basic("CP1", password))
                assert response.status == status, password
                await other.aclose()
