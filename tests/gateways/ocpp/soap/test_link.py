"""The central system as client of the station: commands to the address that the station named, one at a time."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import trio
from lxml import etree

from actors.model import intents as i
from actors.model.decision import Refused
from actors.model.ids import station_address
from actors.station import messages as s
from gateways import egress
from gateways.ocpp import vocabulary
from gateways.ocpp.soap.operations import VERSIONS
from tests.gateways.ocpp.node import TAG, TENANT
from tests.gateways.ocpp.soap.kit import ALL, ENV, WSA, SoapNode, basic, message, open_soap, texts

CALLBACK = "http://127.0.0.1:9/station"
Answer = Callable[[str, Any], Any]


class FakeGate(egress.EgressGate):
    """A gate behind which a station answers `answer(action, request element)`: body text, an EgressAnswer, or an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.calls: list[tuple[str, str, Any, dict[str, str]]] = []
        self.inside = 0
        self.most = 0

    async def request(
        self, method: str, url: str, *, headers: Any, body: bytes = b"", seconds: float, max_bytes: int
    ) -> egress.EgressAnswer:
        root = etree.fromstring(body)
        (operation,) = root.find(f"{{{ENV}}}Body")
        action = etree.QName(operation).localname.removesuffix("Request")
        self.calls.append((action, url, root, dict(headers)))
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await trio.sleep(0.01)
            made = self.answer(action, operation)
            if isinstance(made, Exception):
                raise made
            if isinstance(made, float):
                await trio.sleep(made)
            return made if isinstance(made, egress.EgressAnswer) else egress.EgressAnswer(200, {}, made)
        finally:
            self.inside -= 1


def reply(operation: Any, body: str, *, relates: str = "") -> bytes:
    name = etree.QName(operation)
    response = name.localname.removesuffix("Request") + "Response"
    header = f"<a:RelatesTo xmlns:a='{WSA}'>{relates}</a:RelatesTo>" if relates else ""
    return (
        f'<e:Envelope xmlns:e="{ENV}" xmlns:c="{name.namespace}"><e:Header>{header}</e:Header><e:Body><c:{response}>{body}'
        f"</c:{response}></e:Body></e:Envelope>"
    ).encode()


def status(word: str) -> Answer:
    return lambda action, operation: reply(operation, f"<c:status>{word}</c:status>")


async def command(node: SoapNode, intent: Any, id: str = "c1") -> Any:
    not_after = node.node.system.now() + timedelta(seconds=60)
    return await node.node.ask(station_address(TENANT, "CP1"), s.Command(id, intent, not_after, "test"))


async def outcome(node: SoapNode, intent: Any) -> Any:
    sent = await command(node, intent)
    assert isinstance(sent, s.Sent), sent
    return sent.outcome


@pytest.mark.parametrize("protocol", ALL)
async def test_a_command_carries_identity_action_and_addresses_in_the_stations_namespace(protocol: str) -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate) as node:
        await node.boot(protocol=protocol, callback=CALLBACK)
        assert await outcome(node, i.Reset("Immediate")) == i.CommandResult("Accepted")
    ((action, url, root, headers),) = gate.calls
    namespace = VERSIONS[protocol].station.namespace
    assert (action, url) == ("reset", CALLBACK)
    assert headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="/Reset"'
    header = root.find(f"{{{ENV}}}Header")
    identity = header.find(f"{{{namespace}}}chargeBoxIdentity")
    assert (identity.text, identity.get(f"{{{ENV}}}mustUnderstand")) == ("CP1", "true")
    said = texts(header)
    assert (said["Action"], said["To"]) == ("/Reset", CALLBACK)
    assert said["MessageID"].startswith("urn:uuid:")
    assert said["Address"] == "http://www.w3.org/2005/08/addressing/anonymous"
    assert texts(root.find(f"{{{ENV}}}Body")) == {"type": "Hard"}


LATER = "2100-01-01T00:00:00Z"
EVERY: dict[str, tuple[dict[str, Any], str, dict[str, str], dict[str, Any]]] = {
    # What an operator says in 1.6 words, what a 1.2 station answers, what it heard, what the operator is told.
    "ChangeAvailability": (
        {"connectorId": 1, "type": "Inoperative"}, "<c:status>Scheduled</c:status>",
        {"connectorId": "1", "type": "Inoperative"}, {"status": "Scheduled"},
    ),
    "ChangeConfiguration": (
        {"key": "HeartbeatInterval", "value": "60"}, "<c:status>Accepted</c:status>",
        {"key": "HeartBeatInterval", "value": "60"}, {"status": "Accepted"},
    ),
    "ClearCache": ({}, "<c:status>Rejected</c:status>", {}, {"status": "Rejected"}),
    "GetDiagnostics": (
        {"location": "ftp://example.com/up", "retries": 2, "startTime": LATER}, "<c:fileName>d.zip</c:fileName>",
        {"location": "ftp://example.com/up", "retries": "2", "startTime": LATER}, {"fileName": "d.zip"},
    ),
    "RemoteStartTransaction": (
        {"idTag": TAG, "connectorId": 1}, "<c:status>Accepted</c:status>", {"idTag": TAG, "connectorId": "1"},
        {"status": "Accepted"},
    ),
    "RemoteStopTransaction": (
        {"transactionId": 77}, "<c:status>Rejected</c:status>", {"transactionId": "77"}, {"status": "Rejected"},
    ),
    "Reset": ({"type": "Soft"}, "<c:status>Accepted</c:status>", {"type": "Soft"}, {"status": "Accepted"}),
    "UnlockConnector": (
        {"connectorId": 1}, "<c:status>Rejected</c:status>", {"connectorId": "1"}, {"status": "UnlockFailed"},
    ),
    "UpdateFirmware": (
        {"location": "ftp://example.com/fw", "retrieveDate": LATER}, "",
        {"location": "ftp://example.com/fw", "retrieveDate": LATER}, {},
    ),
}  # fmt: skip


async def test_a_1_2_station_hears_every_command_of_its_version_and_its_answers_come_back() -> None:
    """Those of 1.5 and 1.6-S go to a spyne server (tests/protocol/test_soap)."""
    assert EVERY.keys() == VERSIONS["ocpp1.2"].station.operations.keys()
    gate = FakeGate(lambda action, operation: reply(operation, EVERY[action[:1].upper() + action[1:]][1]))
    async with open_soap(gate=gate) as node:
        await node.boot(protocol="ocpp1.2", callback=CALLBACK)
        for action, (asked, _, heard, told) in EVERY.items():
            parsed = vocabulary.parse_command(action, asked, "ocpp1.6")
            sent = await command(node, parsed.intent, f"c-{action}")
            name, _, root, _ = gate.calls[-1]
            body = root.find(f"{{{ENV}}}Body")
            assert name == action[:1].lower() + action[1:]
            assert etree.QName(body[0]).namespace == VERSIONS["ocpp1.2"].station.namespace
            assert texts(body[0]) == (heard or {etree.QName(body[0]).localname: ""}), action
            assert vocabulary.render_result(parsed, sent.outcome) == told, action


async def test_without_an_address_a_command_says_that_the_station_cannot_be_called() -> None:
    async with open_soap() as node:
        await node.boot()
        failed = await outcome(node, i.ClearCache())
        assert (failed.reason, "wsa:From" in failed.detail) == ("offline", True)


async def test_an_address_is_durable_and_only_the_proved_station_changes_it() -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate) as node:
        await node.boot(callback=CALLBACK)
        thief = message("Heartbeat", callback="http://10.6.6.6/")
        assert (await node.post(thief, authorization="", identity="CP1")).status == 401
        await outcome(node, i.ClearCache())
        await node.say("Heartbeat", callback="http://127.0.0.1:9/moved")
        # As after a restart of the node: the link is gone, and the next message does not say where the station listens.
        link = node.soap.link(TENANT, "CP1")
        assert link is not None
        link.end(1001, "as if the node had restarted")
        sent = await command(node, i.ClearCache(), "c2")
        assert isinstance(sent, Refused)
        await node.say("Heartbeat")
        assert isinstance((await command(node, i.ClearCache(), "c3")).outcome, i.CommandResult)
    assert [url for _, url, _, _ in gate.calls] == [CALLBACK, "http://127.0.0.1:9/moved"]


FAILURES = {
    "timeout": (egress.EgressTimeout("slow"), "timeout", ""),
    "unreachable": (egress.EgressUnreachable("refused"), "offline", ""),
    "broken": (egress.EgressBroken("reset"), "unknown", ""),
    "refused": (egress.EgressRefused("10.0.0.1 is not public"), "error", "EgressRefused"),
    "no SOAP": (egress.EgressAnswer(404, {}, b"not here"), "error", "HttpError"),
    "no XML": (b"<<<", "error", "ProtocolError"),
    "entities": (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "error", "ProtocolError"),
    "a bomb": (egress.EgressAnswer(200, {"content-encoding": "gzip"}, gzip.compress(b" " * 9_000_000)), "error", "ProtocolError"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILURES)
async def test_what_can_go_wrong_is_told_apart(what: str) -> None:
    made, reason, code = FAILURES[what]
    async with open_soap(gate=FakeGate(lambda action, operation: made)) as node:
        await node.boot(callback=CALLBACK)
        failed = await outcome(node, i.ClearCache())
        assert (failed.reason, failed.code) == (reason, code)
        assert any(row.error and (code or reason) in row.error for row in node.node.rows.traces)


async def test_the_answer_of_another_operation_and_a_fault_are_errors() -> None:
    fault = (
        f'<e:Envelope xmlns:e="{ENV}"><e:Body><e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode>'
        '<e:Value xmlns:o="urn:o">o:NotSupported</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">no cache'
        "</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
    )
    gate = FakeGate(lambda action, operation: egress.EgressAnswer(500, {}, fault.encode()))
    async with open_soap(gate=gate) as node:
        await node.boot(callback=CALLBACK)
        failed = await outcome(node, i.ClearCache())
        assert (failed.reason, failed.code, failed.detail) == ("error", "NotSupported", "no cache")
        other = etree.Element("{urn://Ocpp/Cp/2012/06/}resetRequest")
        gate.answer = lambda action, operation: reply(other, "<c:status>Accepted</c:status>")
        assert (await command(node, i.ClearCache(), "c2")).outcome.code == "ProtocolError"


async def test_a_compressed_answer_is_read_and_an_odd_relation_is_noted() -> None:
    def packed(action: str, operation: Any) -> egress.EgressAnswer:
        body = gzip.compress(reply(operation, "<c:status>Accepted</c:status>", relates="urn:uuid:other"))
        return egress.EgressAnswer(200, {"content-encoding": "gzip"}, body)

    async with open_soap(gate=FakeGate(packed)) as node:
        await node.boot(callback=CALLBACK)
        assert await outcome(node, i.ClearCache()) == i.CommandResult("Accepted")
        assert any(row.error == "it relates to urn:uuid:other" for row in node.node.rows.traces)


async def test_commands_go_out_one_at_a_time() -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate) as node, trio.open_nursery() as nursery:
        await node.boot(callback=CALLBACK)
        for n in range(5):
            nursery.start_soon(command, node, i.ClearCache(), f"c{n}")
        nursery.start_soon(node.say, "Heartbeat")
    assert (len(gate.calls), gate.most) == (5, 1)


async def test_a_command_under_way_when_the_station_goes_away_is_unknown_and_the_waiting_ones_are_not_sent() -> None:
    gate = FakeGate(lambda action, operation: 3600.0)
    outcomes: dict[str, Any] = {}

    async def ask(node: SoapNode, id: str) -> None:
        outcomes[id] = (await command(node, i.ClearCache(), id)).outcome.reason

    async with open_soap(gate=gate) as node, trio.open_nursery() as nursery:
        await node.boot(callback=CALLBACK)
        link = node.soap.link(TENANT, "CP1")
        assert link is not None
        nursery.start_soon(ask, node, "c1")
        while not gate.inside:
            await trio.sleep(0.01)
        nursery.start_soon(ask, node, "c2")
        while not link._queue:
            await trio.sleep(0.01)
        link.end(1006, "silent")
    assert outcomes["c1"] == "unknown"
    assert len(gate.calls) == 1
    assert set(outcomes) == {"c1", "c2"}


async def test_the_trace_of_a_command_hides_tags_and_passwords() -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate) as node:
        await node.boot(callback=CALLBACK)
        await outcome(node, i.RequestStart(TAG, 1))
        secret = vocabulary.parse_command(
            "ChangeConfiguration", {"key": "AuthorizationKey", "value": "30313233343536373839414243444546"}
        )
        await command(node, secret.intent, "c2")
        bodies = [row.body for row in node.node.rows.traces if row.direction == "out" and row.message_type == "CALL"]
        assert len(bodies) == 2
        assert not any(TAG in body or "3031323334" in body for body in bodies)


async def test_an_accepted_heartbeat_interval_changes_when_a_station_counts_as_away() -> None:
    async with open_soap(gate=FakeGate(status("Accepted"))) as node:
        await node.boot(callback=CALLBACK)
        link = node.soap.link(TENANT, "CP1")
        assert link is not None
        assert link.interval == 300
        parsed = vocabulary.parse_command("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})
        await outcome(node, parsed.intent)
        assert link.interval == 60


async def test_a_password_change_whose_answer_was_lost_is_settled_by_the_password_that_the_station_shows() -> None:
    new = b"0123456789ABCDEF"
    change = {"key": "AuthorizationKey", "value": new.hex()}
    heartbeat = message("Heartbeat")
    async with open_soap(gate=FakeGate(lambda action, operation: egress.EgressBroken("reset"))) as node:
        await node.boot(callback=CALLBACK)
        first = node.soap.link(TENANT, "CP1")
        failed = await outcome(node, vocabulary.parse_command("ChangeConfiguration", change).intent)
        assert failed.reason == "unknown"
        for password in (new, new):
            assert (await node.post(heartbeat, authorization=basic(password=password))).status == 200
        second = node.soap.link(TENANT, "CP1")
        assert second is not first
        assert (await node.post(heartbeat)).status == 401
        assert (await node.post(heartbeat, authorization=basic(password=new))).status == 200
        assert node.soap.link(TENANT, "CP1") is second


# -- what the older versions call otherwise ------------------------------------------------------------------------------

PROFILE = {
    "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]},
}  # fmt: skip
NOT_CARRIED = [
    ("ocpp1.5", "TriggerMessage", {"requestedMessage": "Heartbeat"}, None),
    ("ocpp1.5", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}, None),
    ("ocpp1.5", "RemoteStartTransaction", {"idTag": TAG, "chargingProfile": PROFILE}, "profile"),
    ("ocpp1.2", "GetConfiguration", {}, None),
    ("ocpp1.2", "ReserveNow", {"connectorId": 1, "expiryDate": "2026-11-22T10:00:00Z", "idTag": TAG, "reservationId": 1}, None),
    ("ocpp1.2", "DataTransfer", {"vendorId": "v"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "action", "payload", "field"), NOT_CARRIED)
async def test_what_a_version_cannot_carry_is_refused(protocol: str, action: str, payload: Any, field: str | None) -> None:
    async with open_soap(gate=FakeGate(status("Accepted"))) as node:
        await node.boot(protocol=protocol, callback=CALLBACK)
        failed = await outcome(node, vocabulary.parse_command(action, payload, "ocpp1.6").intent)
        assert (failed.reason, failed.field) == ("unsupported", field)
        assert VERSIONS[protocol].label in failed.detail
