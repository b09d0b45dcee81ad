"""The central system's side: what each version's station says, what it is answered, and what is remembered of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio

from actors.model.ids import station_address
from actors.session.actor import SessionActor
from actors.station import messages as s
from actors.station.actor import StationActor
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import TAG, TENANT, connect, small_limits
from tests.gateways.ocpp.soap.kit import ALL, ANON, BOOT, SoapNode, fault, fields, message, open_soap, read, texts

NOW = datetime.now(UTC).replace(microsecond=0)


def at(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


async def live(node: SoapNode) -> s.LiveStation:
    found = await node.node.ask(station_address(TENANT, "CP1"), s.Look())
    assert isinstance(found, s.LiveStation)
    return found


METER = {
    "ocpp1.2": f"<c:values><c:timestamp>{at(-5)}</c:timestamp><c:value>1500</c:value></c:values>",
    "ocpp1.5": f'<c:values><c:timestamp>{at(-5)}</c:timestamp><c:value unit="kWh" context="Sample.Periodic">1.5</c:value>'
    '<c:value unit="Volt" measurand="Voltage">231.5</c:value></c:values>',
    "ocpp1.6-S": f"<c:meterValue><c:timestamp>{at(-5)}</c:timestamp><c:sampledValue><c:value>1.5</c:value><c:unit>kWh</c:unit>"
    "</c:sampledValue><c:sampledValue><c:value>231.5</c:value><c:measurand>Voltage</c:measurand><c:unit>V</c:unit>"
    "</c:sampledValue></c:meterValue>",
}
DATA = {
    "ocpp1.2": "",
    "ocpp1.5": f"<c:transactionData>{METER['ocpp1.5'].replace(at(-5), at(-3))}</c:transactionData>",
    "ocpp1.6-S": METER["ocpp1.6-S"].replace("c:meterValue", "c:transactionData").replace(at(-5), at(-3)),
}


@pytest.mark.parametrize("protocol", ALL)
async def test_a_whole_session_in_each_version_and_retries_change_nothing(protocol: str) -> None:
    async with open_soap() as node:

        async def say(action: str, body: str = "", message_id: str = "urn:uuid:1") -> dict[str, str]:
            return texts(await node.say(action, body, protocol=protocol, message_id=message_id))

        booted = await say("BootNotification", BOOT)
        assert booted["status"] == "Accepted"
        assert booted["interval" if protocol == "ocpp1.6-S" else "heartbeatInterval"] == "300"
        beat = datetime.fromisoformat((await say("Heartbeat"))["currentTime"])
        assert abs(beat - node.node.system.now()) < timedelta(minutes=5)
        assert (await say("Authorize", fields(idTag=TAG)))["status"] == "Accepted"
        start = fields(connectorId=1, idTag=TAG, timestamp=at(-10), meterStart=1000)
        started = await say("StartTransaction", start)
        assert await say("StartTransaction", start, "urn:uuid:2") == started
        number = started["transactionId"]
        transaction = "" if protocol == "ocpp1.2" else fields(transactionId=number)
        meter = fields(connectorId=1) + transaction + METER[protocol]
        for _ in range(2):
            await say("MeterValues", meter)
        stop = fields(transactionId=number, idTag=TAG, timestamp=at(-1), meterStop=2000) + DATA[protocol]
        stopped = await say("StopTransaction", stop)
        assert stopped["status"] == "Accepted"
        assert await say("StopTransaction", stop, "urn:uuid:3") == stopped
        page = await node.node.queries.sessions(TENANT, "CP1", None, 10, None)
        assert [(row.state, row.energy_wh, row.stop_reason) for row in page.items] == [("ended", 1000, "Local")]
        readings = await node.node.queries.meter_values(TENANT, page.items[0].id)
        samples = [(sample.measurand, str(sample.value), sample.unit) for reading in readings for sample in reading.samples]
        if protocol != "ocpp1.2":
            assert ("Energy.Active.Import.Register", "1500.0", "Wh") in samples
            assert samples.count(("Voltage", "231.5", "V")) == 2


@pytest.mark.parametrize("protocol", ALL)
async def test_statuses_and_notifications_in_each_versions_words(protocol: str) -> None:
    async with open_soap() as node:
        await node.boot(protocol=protocol)
        occupied = "SuspendedEV" if protocol == "ocpp1.6-S" else "Occupied"
        error = "EVCommunicationError" if protocol == "ocpp1.6-S" else "Mode3Error"
        await node.say("StatusNotification", fields(connectorId=1, status=occupied, errorCode=error), protocol=protocol)
        await node.say("FirmwareStatusNotification", fields(status="Installed"), protocol=protocol)
        await node.say("DiagnosticsStatusNotification", fields(status="UploadFailed"), protocol=protocol)
        row = (await node.node.queries.station(TENANT, "CP1"))[2][0]
        (connector,) = row.connectors
        assert (connector["status"], connector["detail"], connector["error"]) == ("Occupied", occupied, "EVCommunicationError")
        if protocol != "ocpp1.2":
            answer = texts(await node.say("DataTransfer", fields(vendorId="v", data="{}"), protocol=protocol))
            assert answer["status"] == "UnknownVendorId"


async def test_an_answer_relates_to_its_request_in_the_services_own_namespace() -> None:
    async with open_soap() as node:
        header, body = read(await node.post(message("BootNotification", BOOT, message_id="urn:uuid:abc")))
        assert header["Action"] == "/BootNotificationResponse"
        assert header["RelatesTo"] == "urn:uuid:abc"
        assert header["MessageID"].startswith("urn:uuid:")
        assert body.tag == "{urn://Ocpp/Cs/2012/06/}bootNotificationResponse"
        answer = await node.post(message("Authorize", message_id="urn:uuid:bad"))
        assert read(answer)[0]["RelatesTo"] == "urn:uuid:bad"
        assert b"urn://Ocpp/2012/02/" in answer.body
        assert dict(answer.headers)["Content-Type"] == "application/soap+xml; charset=utf-8"


async def test_before_its_boot_a_station_gets_security_error() -> None:
    async with open_soap() as node:
        assert fault(await node.post(message("Heartbeat"))) == (400, "Sender", "SecurityError")
        await node.boot()
        await node.say("Heartbeat")


@pytest.mark.parametrize("protocol", ALL)
async def test_pending_is_never_said_to_a_version_that_does_not_know_it(protocol: str) -> None:
    async with open_soap() as node:
        await node.node.create_tenant("slow", boot="Pending")
        await node.node.register("CP1", tenant="slow", versions=ALL)
        told = texts(await node.boot(protocol=protocol, tenant="slow"))
        if protocol == "ocpp1.6-S":
            assert (told["status"], told["interval"]) == ("Pending", "60")
        else:
            assert (told["status"], told["heartbeatInterval"]) == ("Rejected", "60")


# -- dialects in the wild ------------------------------------------------------------------------------------------------

WILD: dict[str, dict[str, Any]] = {
    "no MessageID": {"message_id": None},
    "a bare uuid": {"message_id": "uuid:1234"},
    "a text as MessageID": {"message_id": "42"},
    "no Action": {"header_action": None},
    "an Action without its slash": {"header_action": "BootNotification"},
    "a whole URI as Action": {"header_action": "urn://Ocpp/Cs/2012/06/BootNotification"},
    "a namespace without its final slash": {"namespace": "urn://Ocpp/Cs/2012/06"},
    "a namespace in lower case": {"namespace": "urn://ocpp/cs/2012/06/"},
    "an anonymous From": {"callback": "http://www.w3.org/2005/08/addressing/anonymous"},
    "a From that is no URL": {"callback": "10.0.0.7"},
    "a ReplyTo of its own": {"extra": "<a:ReplyTo><a:Address>http://10.0.0.7/</a:Address></a:ReplyTo>"},
    "To and others": {"extra": "<a:To e:mustUnderstand='1'>http://here/</a:To><x:y xmlns:x='urn:x'/>"},
}


@pytest.mark.parametrize("what", WILD)
async def test_a_boot_with_an_odd_header_is_accepted(what: str) -> None:
    async with open_soap() as node:
        assert texts(await node.boot(**WILD[what]))["status"] == "Accepted"


async def test_the_name_of_the_identity_header_has_any_case_and_needs_no_must_understand() -> None:
    async with open_soap() as node:
        odd = message("BootNotification", BOOT).replace(b"chargeBoxIdentity", b"ChargeBoxIdentity")
        odd = odd.replace(b' e:mustUnderstand="true"', b"")
        assert (await node.post(odd, authorization="", identity=None)).status == 401
        assert (await node.post(odd)).status == 200


async def test_an_identity_that_is_missing_is_taken_from_the_url_or_from_the_authorization() -> None:
    async with open_soap() as node:
        body = message("BootNotification", BOOT, identity=None)
        assert (await node.post(body, identity="CP1")).status == 200
        assert (await node.post(body)).status == 200
        assert (await node.post(body, identity="cp1")).status == 200


async def test_an_empty_body_means_what_the_action_says_also_in_the_content_type_alone() -> None:
    async with open_soap() as node:
        await node.boot()
        body = message("Heartbeat").replace(b"<c:heartbeatRequest></c:heartbeatRequest>", b"")
        assert (await node.post(body)).status == 200
        bare = body.replace(b"<a:Action>/Heartbeat</a:Action>", b"")
        media = 'application/soap+xml; charset=utf-8; action="/Heartbeat"'
        assert (await node.post(bare, content_type=media)).status == 200
        assert fault(await node.post(bare)) == (400, "Sender", "ProtocolError")
        assert fault(await node.post(bare, content_type=media.replace("Heartbeat", "Authorize")))[2] == "ProtocolError"


async def test_children_without_namespace_and_elements_with_blanks_are_read() -> None:
    async with open_soap() as node:
        await node.boot()
        told = await node.say("Authorize", f"\n  <idTag>\n {TAG} </idTag>\n")
        assert texts(told)["status"] == "Accepted"


async def test_strictly_a_missing_header_is_a_fault() -> None:
    async with open_soap(strict=True) as node:
        anonymous = f"<a:ReplyTo><a:Address>{ANON}</a:Address></a:ReplyTo>"
        assert (await node.post(message("BootNotification", BOOT, extra=anonymous))).status == 200
        for odd in ({"message_id": None}, {"identity": None}, {"header_action": None}):
            assert fault(await node.post(message("BootNotification", BOOT, **odd))) == (400, "Sender", "ProtocolError")


# -- presence ------------------------------------------------------------------------------------------------------------


async def test_a_station_is_online_by_its_messages_until_it_missed_two_heartbeats(autojump_clock: Any) -> None:
    async with open_soap() as node:
        await node.boot(protocol="ocpp1.5")
        connected = await live(node)
        assert (connected.online, connected.protocol) == (True, "ocpp1.5")
        await trio.sleep(650)
        assert (await live(node)).online
        await node.say("Heartbeat")
        await trio.sleep(650)
        assert (await live(node)).online
        await trio.sleep(20)
        assert not (await live(node)).online
        assert node.soap.stats()["soap_stations"] == 0
        await node.say("Heartbeat")
        back = await live(node)
        assert back.online
        assert back.generation > connected.generation


async def test_another_version_and_another_transport_are_newer_connections() -> None:
    async with open_soap((*ALL, "ocpp1.6")) as node:
        await node.boot(protocol="ocpp1.5")
        first = node.soap.link(TENANT, "CP1")
        await node.boot(protocol="ocpp1.6-S")
        assert first is not None
        assert first.ended
        assert (await live(node)).protocol == "ocpp1.6-S"
        station = await connect(node.node)
        await station.boot()
        assert (await live(node)).protocol == "ocpp1.6"
        assert node.soap.link(TENANT, "CP1") is None
        await node.boot(protocol="ocpp1.2")
        assert (await live(node)).protocol == "ocpp1.2"
        assert node.node.listener.link(TENANT, "CP1") is None
        with trio.fail_after(60):
            frame = await station.frame()
            while frame.opcode != wire.CLOSE:
                frame = await station.frame()


async def test_a_station_that_is_removed_is_gone_at_once() -> None:
    async with open_soap() as node:
        await node.boot()
        await node.node.ask(station_address(TENANT, "CP1"), s.Unregister("op"))
        assert node.soap.link(TENANT, "CP1") is None
        assert fault(await node.post(message("Heartbeat")))[2] == "IdentityMismatch"


# -- trace and counters --------------------------------------------------------------------------------------------------


async def test_the_trace_shows_every_message_in_its_version_without_tags_and_secrets() -> None:
    async with open_soap() as node:
        await node.boot()
        await node.say("Authorize", f"<c:idTag>{TAG[:4]}<!-- x -->{TAG[4:]}</c:idTag>")
        await node.say("DataTransfer", fields(vendorId="v", data='{"idTag": "04A2B3C4D5", "password": "geheim"}'))
        await node.post(message("Authorize", f"<c:idTag>{TAG}</c:idTag>").replace(b"</e:Body>", b""))
        rows = [row for row in node.node.rows.traces if row.station == "CP1"]
        assert {row.protocol for row in rows} == {"ocpp1.5", "soap"}
        assert [(row.direction, row.message_type, row.action) for row in rows[:4]] == [
            ("in", "CALL", "BootNotification"), ("out", "CALLRESULT", "BootNotification"),
            ("in", "CALL", "Authorize"), ("out", "CALLRESULT", "Authorize"),
        ]  # fmt: skip
        assert rows[0].unique_id == rows[1].unique_id == "urn:uuid:1"
        assert "bootNotificationRequest" in rows[0].body
        for row in rows:
            assert TAG not in row.body
            assert "geheim" not in row.body
            assert "04A2B3C4D5" not in row.body
        counters = node.node.listener.stats()
        assert (counters["calls_in"], counters["answers_out"], counters["malformed"]) == (3, 3, 1)


async def test_the_trace_says_what_was_odd_and_what_was_mended() -> None:
    async with open_soap() as node:
        await node.boot(message_id=None)
        await node.say("StatusNotification", fields(connectorId=1, status="occupied", errorCode="NoError"))
        errors = [row.error for row in node.node.rows.traces if row.station == "CP1" and row.direction == "in"]
        assert errors == ["no wsa:MessageID", "mended: enum"]


# -- crashes and outages -------------------------------------------------------------------------------------------------


def crash(monkeypatch: pytest.MonkeyPatch, actor: Any, message_name: str, times: int) -> None:
    """`actor.decide` raises on that message, so many times."""
    left, decide = times, actor.decide

    def crashing(self: Any, state: Any, told: Any, now: Any) -> Any:
        nonlocal left
        if type(told).__name__ == message_name and left > 0:
            left -= 1
            raise ZeroDivisionError("injected")
        return decide(self, state, told, now)

    monkeypatch.setattr(actor, "decide", crashing)


START = fields(connectorId=1, idTag=TAG, timestamp=at(-10), meterStart=1000)


async def test_a_start_that_crashes_its_actor_is_asked_again_and_a_poisonous_one_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_soap() as node:
        await node.boot()
        with monkeypatch.context() as once:
            crash(once, SessionActor, "Start", 1)
            assert texts(await node.say("StartTransaction", START))["status"] == "Accepted"
        crash(monkeypatch, SessionActor, "Start", 1000)
        started = texts(await node.say("StartTransaction", START.replace(at(-10), at(-9))))
        assert int(started["transactionId"]) > 0
        page = await node.node.queries.sessions(TENANT, "CP1", None, 10, None)
        assert sorted(row.state for row in page.items) == ["active", "quarantined"]


async def test_a_poisonous_heartbeat_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_soap() as node:
        await node.boot()
        crash(monkeypatch, StationActor, "Heartbeat", 1000)
        assert fault(await node.post(message("Heartbeat"))) == (500, "Receiver", "InternalError")


async def test_while_the_database_is_away_nothing_is_acknowledged() -> None:
    async with open_soap(limits=small_limits(ask_seconds=0.2)) as node:
        await node.insist("BootNotification", BOOT)
        node.node.store.away = True
        answer = await node.post(message("StartTransaction", START))
        assert fault(answer) == (503, "Receiver", "InternalError")
        assert "Retry-After" in dict(answer.headers)
        node.node.store.away = False
        with trio.fail_after(60):  # it is told to come again, and does: the node finds out a moment later that all is well
            assert (await node.insist("StartTransaction", START))["status"] == "Accepted"
        page = await node.node.queries.sessions(TENANT, "CP1", None, 10, None)
        assert len(page.items) == 1
