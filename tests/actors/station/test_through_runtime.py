"""A station's own answers through the real runtime: admission, registration, connections, commands."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import Refused
from actors.model.ids import station_address
from actors.model.rows import EvseRow, SeenRow, StationRow, VariableRow
from actors.station import messages as m
from actors.station.auth import hash_secret, verify_secret
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House, at

ADDRESS = station_address(TENANT, STATION)


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish()
    return house


def command(id: str = "c1", intent: Any = None, seconds: float = 60) -> m.Command:
    return m.Command(id, intent or i.Reset("OnIdle"), T0 + timedelta(seconds=seconds), "op")


async def connect(house: House, line: FakeLine) -> FakeLine:
    house.system.tell(ADDRESS, m.Connected(line, "ocpp1.6", line.generation, "10.0.0.1"))
    await trio.sleep(0.1)
    return line


async def ask_in_background(house: House, nursery: trio.Nursery, message: m.Command) -> list[Any]:
    answers: list[Any] = []

    async def run() -> None:
        answers.append(await house.ask(ADDRESS, message, deadline=100))

    nursery.start_soon(run)
    await trio.sleep(0.1)
    return answers


# -- admission


async def test_an_unregistered_station_is_refused_everything(autojump_clock: Any, house: House) -> None:
    assert (await house.station(m.Boot("V", "M"), "CP-9")).status == "Rejected"
    for message in (
        m.Heartbeat(),
        m.Authorize(house.token("GOOD")),
        m.ConnectorStatus(1, 1, "Available", "Available"),
        m.TransactionStart(1, 1, house.token("GOOD"), 0, at(0)),
        m.TransactionStop(1, 0, at(0)),
    ):
        assert isinstance(await house.station(message, "CP-9"), m.NotAdmitted)
    assert house.sessions() == []


async def test_quirk_5_before_its_first_boot_a_station_may_only_tell_transactions(autojump_clock: Any, house: House) -> None:
    await house.register("CP-2")
    refused = await house.station(m.Heartbeat(), "CP-2")
    assert (refused.code, refused.detail) == ("SecurityError", "a BootNotification comes first")
    start = m.TransactionStart(1, 1, house.token("GOOD"), 0, at(0))
    assert isinstance(await house.station(start, "CP-2"), m.StartReply)
    assert (await house.station(m.Boot("V", "M"), "CP-2")).status == "Accepted"
    assert isinstance(await house.station(m.Heartbeat(), "CP-2"), datetime)


async def test_quirk_19_a_pending_boot_admits_what_is_triggered(nursery: trio.Nursery, autojump_clock: Any) -> None:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish(boot=False, settings={"boot": "Pending"})
    reply = await house.station(m.Boot("V", "M"))
    assert (reply.status, reply.interval) == ("Pending", house.env.limits.pending_boot_interval)
    assert await house.station(m.ConnectorStatus(1, 1, "Available", "Available")) == m.Done()
    assert isinstance(await house.station(m.Authorize(house.token("GOOD"))), m.NotAdmitted)


async def test_an_authorisation_is_answered_from_memory_and_writes_nothing(autojump_clock: Any, house: House) -> None:
    commits = len(house.store.commits)
    assert (await house.station(m.Authorize(house.token("GOOD")))).status == "Accepted"
    assert (await house.station(m.Authorize(house.token("good ")))).status == "Accepted"
    assert (await house.station(m.Authorize(house.token("BAD")))).status == "Blocked"
    assert (await house.station(m.Authorize(house.token("NOBODY")))).status == "Unknown"
    assert len(house.store.commits) == commits


async def test_a_status_of_an_evse_that_was_not_registered_is_answered_and_shown(autojump_clock: Any, house: House) -> None:
    for detail in ("Preparing", "Preparing", "Charging"):
        assert await house.station(m.ConnectorStatus(3, 1, "Occupied", detail)) == m.Done()
    lines = [line for line in house.rows.events if line.kind == "station.status"]
    assert [(line.subject, line.body["evse"], line.body["detail"]) for line in lines] == [
        (STATION, 3, "Preparing"),
        (STATION, 3, "Charging"),
    ]
    assert {line.body["flag"] for line in lines} == {"unknown_evse"}
    (shown,) = (await house.station(m.Look())).unregistered
    assert (shown.id, shown.status, shown.detail) == (3, "Occupied", "Charging")
    await house.register(evses=3)
    assert (await house.station(m.Look())).unregistered == ()


async def test_a_start_on_an_unknown_evse_is_recorded_and_waits_for_an_operator(autojump_clock: Any, house: House) -> None:
    reply = await house.start(evse=7)
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert (row.state, row.cdr) == ("quarantined", None)
    assert "unknown_evse" in row.anomalies


async def test_connectors_that_a_station_makes_up_make_no_actors_and_take_no_memory(autojump_clock: Any, house: House) -> None:
    for evse in (-(2**63), -1, 2**31, 2**63 - 1, *range(3, 60)):
        assert await house.station(m.ConnectorStatus(evse, 1, "Available", "Available")) == m.Done()
        assert isinstance(await house.start(evse=evse), m.StartReply)
    assert {row.evse for row in house.sessions()} == {0, *range(3, 60)}
    actor: Any = house.system.registry.cells[station_address(TENANT, STATION)].incarnation.actor  # type: ignore[index, union-attr]
    assert len(actor._transactions._places) <= 3
    assert len((await house.station(m.Look())).unregistered) == house.env.limits.unregistered_evses


# -- registration


async def test_codes_are_permanent_and_opaque(autojump_clock: Any, house: House) -> None:
    await trio.sleep(0.1)  # the EVSEs hear of it by letter
    codes = {row.evse: row.code for row in house.rows.table(EvseRow)}
    assert sorted(codes) == [1, 2]
    reply = await house.register(evses=3)
    assert (reply.created, reply.evse_codes[:2]) == (False, (codes[1], codes[2]))
    assert (await house.register(evses=1)).evse_codes == (codes[1],)
    assert (await house.register(evses=2)).evse_codes == (codes[1], codes[2])
    assert STATION not in "".join(codes.values())


async def test_a_secret_is_stored_as_a_hash_and_kept_when_asked(autojump_clock: Any, house: House) -> None:
    secret = hash_secret(b"a-long-enough-password", house.env.token_bytes)
    message = m.Register(2, 1, secret, False, ("ocpp1.6",), None, {}, "op")
    await house.station(message)
    card = house.env.snapshots.station(TENANT, STATION)
    assert verify_secret(card.secret, b"a-long-enough-password")
    assert not verify_secret(card.secret, b"another")
    await house.station(msgspec.structs.replace(message, secret=None, keep_secret=True))
    assert house.env.snapshots.station(TENANT, STATION).secret == secret
    shown = msgspec.json.encode(house.system.inspect.actor(ADDRESS))
    assert secret.hex().encode() not in shown


async def test_a_station_with_an_open_session_stays_registered(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    assert (await house.station(m.Unregister("op"))).code == "active"
    await house.stop(reply.number)
    line = await connect(house, FakeLine())
    assert await house.station(m.Unregister("op")) == m.Done()
    assert line.closed
    assert house.env.snapshots.station(TENANT, STATION) is None
    assert house.rows.get(StationRow, TENANT, STATION).deleted
    assert isinstance(await house.station(m.Heartbeat()), m.NotAdmitted)


# -- connections


async def test_quirk_1_an_old_socket_that_closes_late_does_not_take_the_new_one_down(autojump_clock: Any, house: House) -> None:
    old = await connect(house, FakeLine(1))
    new = await connect(house, FakeLine(2))
    assert old.closed
    house.system.tell(ADDRESS, m.Disconnected(1))
    live = await house.station(m.Look())
    assert (live.online, live.generation, new.closed) == (True, 2, [])
    house.system.tell(ADDRESS, m.Disconnected(2))
    assert (await house.station(m.Look())).online is False
    assert house.rows.get(SeenRow, TENANT, STATION).online is False


async def test_a_restarted_station_actor_finds_its_line_again(autojump_clock: Any, house: House) -> None:
    line = await connect(house, FakeLine())
    reply = await house.start()
    assert await house.system.inspect.restart(ADDRESS)
    assert (await house.station(m.Look())).online is True
    await house.stop(reply.number)
    assert line.closed == []
    assert house.sessions()[0].phase == "booked"


async def test_heartbeats_write_last_seen_now_and_then(autojump_clock: Any, house: House) -> None:
    await connect(house, FakeLine())
    first = house.rows.get(SeenRow, TENANT, STATION).last_seen
    await house.station(m.Heartbeat())
    assert house.rows.get(SeenRow, TENANT, STATION).last_seen == first
    await trio.sleep(61)
    await house.station(m.Heartbeat())
    assert house.rows.get(SeenRow, TENANT, STATION).last_seen > first


# -- commands


async def test_a_command_is_committed_before_it_is_sent_and_answers_its_asker(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    line = await connect(house, FakeLine())
    answers = await ask_in_background(house, nursery, command())
    assert [call[0] for call in line.calls] == ["c1"]
    assert (await house.station(m.Look())).commands == ("c1",)
    assert await house.station(m.Heartbeat()), "the inbox goes on while the command waits"
    house.system.tell(ADDRESS, m.CommandDone("c1", 1, i.CommandResult("Accepted")))
    await trio.sleep(0.1)
    assert answers == [m.Sent("ocpp1.6", line.wire, i.CommandResult("Accepted"))]
    assert [row[1] for row in house.store.effects.values()] == ["done"]
    assert await house.ask(ADDRESS, command()) == answers[0], "the same id again: the same answer, nothing sent"
    assert len(line.calls) == 1


async def test_without_a_connection_a_command_is_refused_and_nothing_is_written(autojump_clock: Any, house: House) -> None:
    reply = await house.ask(ADDRESS, command())
    assert isinstance(reply, Refused)
    assert reply.code == "offline"
    assert house.store.effects == {}


async def test_what_the_version_cannot_carry_is_said_and_not_sent(autojump_clock: Any, house: House) -> None:
    line = await connect(house, FakeLine(wire=i.Unsupported("no evse in a 1.6 Reset", "evse")))
    reply = await house.ask(ADDRESS, command())
    assert reply.outcome == i.CommandFailure("unsupported", detail="no evse in a 1.6 Reset", field="evse")
    assert line.calls == []


async def test_a_command_under_way_when_the_connection_closes_ends_as_unknown(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    await connect(house, FakeLine())
    answers = await ask_in_background(house, nursery, command())
    house.system.tell(ADDRESS, m.Disconnected(1))
    await trio.sleep(0.1)
    assert answers[0].outcome.reason == "unknown"
    assert [row[1] for row in house.store.effects.values()] == ["unknown"]


async def test_a_command_is_never_sent_again_after_a_crash_of_the_node(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    await connect(house, FakeLine())
    nursery.start_soon(_swallow, house, command())
    await trio.sleep(0.1)
    survivor = house.after_crash()
    await nursery.start(survivor.system.run)
    line = await connect(survivor, FakeLine(2))
    assert line.calls == []
    assert [row[1] for row in survivor.store.effects.values()] == ["unknown"]
    refused = await survivor.ask(ADDRESS, command())
    assert refused.code == "conflict"


async def _swallow(house: House, message: m.Command) -> None:
    with trio.move_on_after(50):
        await house.ask(ADDRESS, message, deadline=40)


async def test_what_is_kept_of_a_command_says_nothing_of_its_payload(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    line = await connect(house, FakeLine())
    for name, secret in (("c1", b"first"), ("c2", b"second")):
        line.wire = m.WireCall("ChangeConfiguration", b'{"key":"AuthorizationKey","value":"' + secret + b'"}')
        await ask_in_background(house, nursery, command(name))
    facts = [fact for batch in house.store.commits for turn in batch for fact in turn.facts if fact.type == "command_issued"]
    issued = [{**msgspec.json.decode(fact.body), "id": "", "at": ""} for fact in facts]
    assert len(line.calls) == len(issued) == 2
    assert issued[0] == issued[1]
    assert len({effect[0].body for effect in house.store.effects.values()}) == 1


async def test_an_open_command_survives_a_restart_of_the_actor(autojump_clock: Any, house: House, nursery: trio.Nursery) -> None:
    await connect(house, FakeLine())
    nursery.start_soon(_lost_ask, house, command())
    await trio.sleep(0.1)
    assert await house.system.inspect.restart(ADDRESS)
    assert (await house.station(m.Look())).commands == ("c1",)
    house.system.tell(ADDRESS, m.CommandDone("c1", 1, i.CommandResult("Accepted")))
    assert (await house.station(m.Look())).commands == ()
    assert [row[1] for row in house.store.effects.values()] == ["done"]


async def _lost_ask(house: House, message: m.Command) -> None:
    from runtime.errors import ActorError

    with pytest.raises(ActorError):
        await house.ask(ADDRESS, message, deadline=40)


async def test_a_line_that_never_reports_is_settled_by_time(nursery: trio.Nursery, autojump_clock: Any) -> None:
    house = House(limits=DomainLimits(call_timeout=2, call_grace=1))
    await nursery.start(house.system.run)
    await house.furnish()
    await connect(house, FakeLine())
    answers = await ask_in_background(house, nursery, command())
    await trio.sleep(4)
    assert answers[0].outcome.reason == "unknown"


async def test_a_remote_start_needs_an_accepted_boot_and_keeps_no_tag(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    await house.register("CP-2")
    other = station_address(TENANT, "CP-2")
    house.system.tell(other, m.Connected(FakeLine(), "ocpp1.6", 1, ""))
    assert (await house.ask(other, command(intent=i.RequestStart("GOOD", evse=1)))).code == "state"
    await connect(house, FakeLine(wire=m.WireCall("RemoteStartTransaction", b'{"idTag":"GOOD","connectorId":1}')))
    answers = await ask_in_background(house, nursery, command(intent=i.RequestStart("GOOD", evse=1)))
    house.system.tell(ADDRESS, m.CommandDone("c1", 1, i.CommandResult("Accepted")))
    await trio.sleep(0.1)
    assert answers[0].outcome.status == "Accepted"
    stored = b"".join(fact.body for batch in house.store.commits for turn in batch for fact in turn.facts)
    stored += b"".join(effect[0].body for effect in house.store.effects.values())
    assert b"RemoteStartTransaction" in stored
    assert b"GOOD" not in stored
    await house.start("GOOD")
    assert house.sessions()[0].anomalies == ("remote_start",)


async def test_reported_variables_are_kept_and_secrets_are_not(autojump_clock: Any, house: House, nursery: trio.Nursery) -> None:
    await connect(house, FakeLine())
    reported = (
        i.ReportedVariable(i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval", key_1_6="HeartbeatInterval"), "300", False),
        i.ReportedVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword", key_1_6="AuthorizationKey"), "68756e746572"),
        i.ReportedVariable(i.VariableRef("OCPP16", "VendorThing", key_1_6="VendorThing"), "1"),
    )
    await ask_in_background(house, nursery, command(intent=i.GetVariables()))
    house.system.tell(ADDRESS, m.CommandDone("c1", 1, i.CommandResult("", variables=reported)))
    await trio.sleep(0.1)
    values = {row.key_1_6: row.attributes[0]["value"] for row in house.rows.table(VariableRow) if row.key_1_6}
    assert values == {"HeartbeatInterval": "300", "AuthorizationKey": None, "VendorThing": "1"}
    stored = b"".join(fact.body for batch in house.store.commits for turn in batch for fact in turn.facts)
    assert b"68756e746572" not in stored


async def test_an_accepted_password_replaces_the_old_one(autojump_clock: Any, house: House, nursery: trio.Nursery) -> None:
    await connect(house, FakeLine())
    key = i.VariableRef("SecurityCtrlr", "BasicAuthPassword", key_1_6="AuthorizationKey")
    await ask_in_background(house, nursery, command(intent=i.SetVariable(key, b"0123456789abcdef".hex())))
    house.system.tell(ADDRESS, m.CommandDone("c1", 1, i.CommandResult("Accepted")))
    await trio.sleep(0.1)
    state = house.system.inspect.actor(ADDRESS)
    assert "secret" in str(state)
    assert verify_secret(house.rows.get(StationRow, TENANT, STATION).auth, b"0123456789abcdef")
    assert verify_secret(house.env.snapshots.station(TENANT, STATION).secret, b"0123456789abcdef")
