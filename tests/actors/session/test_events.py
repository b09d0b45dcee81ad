"""OCPP 2.x transactions through the real runtime: what a station's events leave behind, whatever their order."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
import trio

from actors.model import intents as i
from actors.model.ids import session_address, session_id_for_transaction, tenant_address
from actors.model.intents import CommandResult
from actors.model.meter import Reading
from actors.model.rows import EvseRow, NumberRow
from actors.session.messages import Look, Resolve
from actors.station import messages as m
from actors.tenant.messages import PutTariff
from runtime.address import Address
from tests.actors.kit import STATION, TARIFF, TENANT, FakeLine, House, at, event, reading, sample

SESSION = session_id_for_transaction(STATION, "tx-1")


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish()
    house.clock.advance(2 * 3600)
    return house


def ended_reading(minutes: float, wh: float) -> Reading:
    return Reading(at(minutes), (sample(wh, "Transaction.End"),))


def begun_reading(minutes: float, wh: float) -> Reading:
    return Reading(at(minutes), (sample(wh, "Transaction.Begin"),))


def usual(house: House, uid: str = "GOOD") -> list[m.TransactionEvent]:
    """Authorised first, charging after a minute, 10 kWh in an hour."""
    return [
        event("Started", 0, 0, "Authorized", evse=1, connector=1, token=house.token(uid), readings=(begun_reading(0, 1000),)),
        event("Updated", 1, 1, "ChargingStateChanged", charging_state="Charging"),
        event("Updated", 2, 30, readings=(reading(30, 6000),)),
        event("Ended", 3, 60, "StopAuthorized", token=house.token(uid), readings=(ended_reading(60, 11_000),)),
    ]


async def play(house: House, events: list[m.TransactionEvent]) -> list[m.TransactionReply]:
    replies = []
    for each in events:
        reply = await house.station(each)
        assert isinstance(reply, m.TransactionReply), reply
        replies.append(reply)
    return replies


async def test_a_transaction_is_started_metered_ended_rated_and_booked(autojump_clock: Any, house: House) -> None:
    replies = await play(house, usual(house))
    assert [reply.verdict.status if reply.verdict else None for reply in replies] == ["Accepted", None, None, "Accepted"]
    assert replies[-1].total_cost == Decimal("5.95")
    (row,) = house.sessions()
    assert (row.id, row.transaction_id, row.state, row.phase) == (SESSION, "tx-1", "ended", "booked")
    assert (row.energy_wh, row.cost.incl.amount_minor, row.stop_reason) == (10_000, 595, "Local")
    assert (row.started_at, row.ended_at, row.anomalies) == (at(0), at(60), ())
    (cdr,) = house.cdrs()
    (journal,) = house.journals()
    assert (cdr.session, cdr.journal, row.cdr) == (SESSION, journal.id, cdr.id)
    assert cdr.body["start_date_time"] == "2026-03-02T12:01:00Z", "billed from the moment the vehicle asked for energy"
    assert cdr.body["total_energy"] == 10
    assert numbered(house, row.number) == SESSION


async def test_a_retried_event_changes_nothing_and_is_answered_again(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    first = await play(house, events[:2])
    assert await play(house, events[:2]) == first
    last = await play(house, events[2:])
    await trio.sleep(1)
    rows = len(house.store.rows)
    again = await play(house, events)
    assert again[-1] == last[-1]
    assert (again[-1].total_cost, len(house.store.rows)) == (Decimal("5.95"), rows)
    assert len(house.cdrs()) == len(house.journals()) == len(house.sessions()) == 1


async def test_an_older_station_counts_on_over_its_transactions(autojump_clock: Any, house: House) -> None:
    events = [msgspec.structs.replace(each, seq=each.seq + 417) for each in usual(house)]
    assert (await play(house, events))[-1].total_cost == Decimal("5.95")


async def test_ended_closes_only_when_what_is_missing_came(autojump_clock: Any, house: House) -> None:
    started, charging, metered, ended = usual(house)
    replies = await play(house, [started, ended])
    assert replies[-1].total_cost is None
    row = await house.ask(session_address(TENANT, SESSION), Look())
    assert (row.state, row.transaction["missing"], row.transaction["ended"], row.ended_at) == ("active", [[1, 2]], True, None)
    await play(house, [metered, charging])
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies) == ("booked", 10_000, ())
    assert (await play(house, [ended]))[0].total_cost == Decimal("5.95")


async def test_what_never_comes_is_not_waited_for_for_ever(autojump_clock: Any, house: House) -> None:
    started, _, metered, ended = usual(house)
    await play(house, [started, metered, ended])
    await _later(house, 31)
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies, row.cost.incl.amount_minor) == ("booked", 10_000, ("gap",), 595)
    assert house.store.timers == {}
    late = event("Updated", 1, 1, "ChargingStateChanged", charging_state="Charging")
    await play(house, [late])
    (row,) = house.sessions()
    assert row.anomalies == ("gap", "event_after_end")
    assert len(house.cdrs()) == 1


async def test_a_tenant_may_wait_shorter_for_what_is_missing(autojump_clock: Any, nursery: trio.Nursery) -> None:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish(settings={"transaction_gap_timeout": 60})
    house.clock.advance(2 * 3600)
    started, _, metered, ended = usual(house)
    await play(house, [started, metered, ended])
    await _later(house, 2)
    (row,) = house.sessions()
    assert (row.phase, row.anomalies) == ("booked", ("gap",))


async def test_a_start_that_never_comes_leaves_the_energy_to_an_operator(autojump_clock: Any, house: House) -> None:
    _, charging, metered, ended = usual(house)
    replies = await play(house, [ended, metered, charging])
    assert replies[0].verdict is not None
    (row,) = house.sessions()
    assert (row.state, row.evse) == ("active", 0)
    await _later(house, 31)
    (row,) = house.sessions()
    assert (row.state, row.cdr) == ("quarantined", None)
    assert row.anomalies == ("gap_energy", "gap")
    done = await house.ask(session_address(TENANT, SESSION), Resolve("correct", "read the display", "op", energy_wh=10_000))
    assert done == m.Done()
    (row,) = house.sessions()
    assert (row.phase, row.cost.incl.amount_minor) == ("booked", 595)


async def test_a_start_that_comes_last_is_billed_as_if_it_had_come_first(autojump_clock: Any, house: House) -> None:
    started, charging, metered, ended = usual(house)
    replies = await play(house, [ended, metered, charging, started])
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.evse, row.started_at, row.anomalies) == ("booked", 10_000, 1, at(0), ())
    assert [reply.total_cost for reply in replies] == [None, None, None, None]
    assert (await play(house, [ended]))[0].total_cost == Decimal("5.95")
    await trio.sleep(1)
    assert occupant(house, 1) is None


async def test_the_same_number_with_other_content_is_kept_and_flagged_but_never_billed(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    await play(house, events[:3])
    other = event("Updated", 2, 30, readings=(reading(30, 9_000_000),))
    await play(house, [other, other, events[3]])
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies) == ("booked", 10_000, ("event_contradicted",))
    kept = [fact for batch in house.store.commits for turn in batch for fact in turn.facts if fact.type == "event_contradicted"]
    assert len(kept) == 1


async def test_the_evse_hears_of_a_session_as_soon_as_the_station_names_it(autojump_clock: Any, house: House) -> None:
    first = event("Started", 0, 0, "Authorized", token=house.token("GOOD"))
    await play(house, [first])
    await trio.sleep(1)
    assert occupant(house, 2) is None
    plugged = event("Updated", 1, 1, "CablePluggedIn", evse=2, connector=2, readings=(begun_reading(1, 500),))
    await play(house, [plugged])
    await trio.sleep(1)
    assert occupant(house, 2) == SESSION
    (row,) = house.sessions()
    assert (row.evse, row.connector) == (2, 2)
    charging = event("Updated", 2, 2, "ChargingStateChanged", charging_state="Charging")
    ended = event("Ended", 3, 60, "EVCommunicationLost", stopped_reason="EVDisconnected", readings=(ended_reading(60, 1500),))
    assert (await play(house, [charging, ended]))[-1].total_cost == Decimal("0.60")
    await trio.sleep(1)
    assert occupant(house, 2) is None


async def test_a_transaction_that_begins_with_the_cable_is_billed_to_the_token_that_came_later(
    autojump_clock: Any, house: House
) -> None:
    events = [
        event("Started", 0, 0, "CablePluggedIn", evse=1, charging_state="EVConnected", readings=(begun_reading(0, 1000),)),
        event("Updated", 1, 5, "Authorized", token=house.token("BAD"), charging_state="EVConnected"),
        event("Updated", 2, 10, "Authorized", token=house.token("GOOD"), charging_state="EVConnected"),
        event("Updated", 3, 12, "ChargingStateChanged", charging_state="Charging"),
        event("Updated", 4, 60, "ChargingStateChanged", charging_state="EVConnected"),
        event("Ended", 5, 90, "EVDeparted", stopped_reason="EVDisconnected", readings=(ended_reading(90, 3000),)),
    ]
    replies = await play(house, events)
    assert [reply.verdict.status for reply in replies if reply.verdict] == ["Blocked", "Accepted"]
    (row,) = house.sessions()
    assert (row.phase, row.token_ref, row.anomalies) == ("booked", house.token("GOOD").ref, ())
    (cdr,) = house.cdrs()
    assert cdr.body["start_date_time"] == "2026-03-02T12:12:00Z"
    assert (cdr.body["total_time"], cdr.body["total_parking_time"]) == (1.3, 0.5)
    assert [p["dimensions"][-1]["type"] for p in cdr.body["charging_periods"]] == ["TIME", "PARKING_TIME"]


async def test_a_blocked_token_is_recorded_and_never_billed_without_an_operator(autojump_clock: Any, house: House) -> None:
    replies = await play(house, usual(house, "BAD"))
    assert replies[0].verdict is not None
    assert (replies[0].verdict.status, replies[-1].total_cost) == ("Blocked", None)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("token_not_accepted",))


async def test_a_deauthorised_transaction_that_delivered_nothing_leaves_nothing_to_do(autojump_clock: Any, house: House) -> None:
    started = event("Started", 0, 0, "Authorized", evse=1, token=house.token("BAD"), charging_state="EVConnected")
    ended = event("Ended", 1, 1, "Deauthorized", stopped_reason="DeAuthorized", charging_state="EVConnected")
    replies = await play(house, [started, ended])
    assert replies[-1].total_cost == 0
    (row,) = house.sessions()
    assert (row.state, row.phase, row.stop_reason, row.anomalies) == ("ended", "waived", "DeAuthorized", ())


async def test_energy_that_nobody_was_authorised_for_waits_for_an_operator(autojump_clock: Any, house: House) -> None:
    started, charging, metered, ended = usual(house)
    started, ended = (msgspec.structs.replace(each, token=None) for each in (started, ended))
    await play(house, [started, charging, metered, ended])
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("no_token",))


async def test_a_station_that_lets_anybody_charge_is_told_accepted(autojump_clock: Any, house: House) -> None:
    token = msgspec.structs.replace(house.token(""), type="NoAuthorization")
    events = usual(house)
    replies = await play(house, [msgspec.structs.replace(events[0], token=token), *events[1:3]])
    assert replies[0].verdict is not None
    assert replies[0].verdict.status == "Accepted"


async def test_a_master_pass_ends_a_session_and_pays_none(autojump_clock: Any, house: House) -> None:
    await house.put_token("MASTER", group="master")
    *events, ended = usual(house)
    ended = msgspec.structs.replace(ended, token=house.token("MASTER"), stopped_reason="MasterPass")
    replies = await play(house, [*events, ended])
    assert replies[-1].verdict is not None
    assert (replies[-1].verdict.group_ref, replies[-1].total_cost) == ("master", Decimal("5.95"))
    (row,) = house.sessions()
    assert (row.token_ref, row.anomalies, row.stop_reason) == (house.token("GOOD").ref, (), "MasterPass")


async def test_another_token_that_stops_is_noted(autojump_clock: Any, house: House) -> None:
    *events, ended = usual(house)
    await play(house, [*events, msgspec.structs.replace(ended, token=house.token("FREE"))])
    (row,) = house.sessions()
    assert (row.phase, row.anomalies) == ("booked", ("stopped_by_other_token",))


async def test_a_free_token_costs_zero_and_a_missing_tariff_is_not_free(autojump_clock: Any, house: House) -> None:
    assert (await play(house, usual(house, "FREE")))[-1].total_cost == 0
    await house.register("CP-2", tariff=None)
    replies = [await house.station(each, "CP-2") for each in usual(house)]
    assert replies[-1].total_cost is None
    assert {row.station: row.unpriced for row in house.sessions()} == {STATION: False, "CP-2": True}


async def test_the_running_cost_is_told_now_and_then(autojump_clock: Any, house: House) -> None:
    events = usual(house)[:2]
    costs = []
    for n in range(5):
        house.clock.advance(20)
        events.append(event("Updated", n + 2, n + 2, readings=(reading(n + 2, 1200 + 100 * n),)))
    replies = []
    for each in events:
        replies += await play(house, [each])
        house.clock.advance(20)
    costs = [reply.total_cost for reply in replies]
    assert costs[0] is None
    told = [cost for cost in costs if cost is not None]
    assert 2 <= len(told) <= 3, costs
    assert told == sorted(told)
    assert told[-1] > 0


async def test_the_tariffs_text_and_the_tenants_priority_go_to_an_accepted_driver(autojump_clock: Any, nursery: Any) -> None:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish(settings={"charging_priority": 3})
    text = [{"language": "en", "text": "0.50 EUR/kWh"}]
    await house.ask(tenant_address(TENANT), PutTariff("standard", {**TARIFF, "tariff_alt_text": text}, None, "owner"))
    replies = await play(house, usual(house))
    assert replies[0].message == i.MessageText("0.50 EUR/kWh", language="en")
    assert [reply.priority for reply in replies] == [3, None, None, 3]
    replies = await play(house, [msgspec.structs.replace(usual(house, "BAD")[0], transaction_id="tx-2")])
    assert (replies[0].message, replies[0].priority) == (None, None)


async def test_a_station_with_intervals_only_is_billed_by_their_sum(autojump_clock: Any, house: House) -> None:
    def interval(minutes: float, wh: float, context: str = "Sample.Periodic") -> Reading:
        return Reading(at(minutes), (sample(wh, context, "Energy.Active.Import.Interval"),))

    started, charging, *_ = usual(house)
    events = [
        msgspec.structs.replace(started, readings=()),
        charging,
        event("Updated", 2, 15, readings=(interval(15, 3000),)),
        event("Updated", 3, 20, "MeterValueClock", readings=(interval(20, 3500, "Sample.Clock"),)),
        event("Updated", 4, 30, readings=(interval(30, 2000),)),
        event("Ended", 5, 40, readings=(interval(15, 3000), interval(30, 2000), interval(40, 1000, "Transaction.End"))),
    ]
    await play(house, events)
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies) == ("booked", 6000, ("meter_intervals",))


async def test_quirk_24_phases_are_summed(autojump_clock: Any, house: House) -> None:
    def phases(minutes: float, wh: float) -> Reading:
        return Reading(at(minutes), tuple(sample(wh / 3, phase=f"L{n}") for n in (1, 2, 3)))

    events = usual(house)
    events[0] = msgspec.structs.replace(events[0], readings=(phases(0, 3000),))
    events[2] = msgspec.structs.replace(events[2], readings=(phases(30, 4500),))
    events[3] = msgspec.structs.replace(events[3], readings=(phases(60, 6000),))
    await play(house, events)
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh) == ("booked", 3000)


async def test_quirk_21_a_lost_start_register_goes_to_quarantine(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    events[0] = msgspec.structs.replace(events[0], readings=(begun_reading(0, 0),), offline=True)
    events[3] = msgspec.structs.replace(events[3], readings=(ended_reading(60, 910_083),))
    await play(house, [events[0], events[1], events[2], events[3]])
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("lifetime_register",))
    assert row.transaction["offline"] is True


async def test_quirk_23_samples_that_count_from_the_start_do_not_change_the_bill(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    events[2] = msgspec.structs.replace(events[2], readings=(reading(30, 5000),))
    events[0] = msgspec.structs.replace(events[0], readings=(begun_reading(0, 1_000_000),))
    events[3] = msgspec.structs.replace(events[3], readings=(ended_reading(60, 1_010_000),))
    await play(house, events)
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies) == ("booked", 10_000, ())


async def test_without_any_meter_value_nobody_can_tell_what_flowed(autojump_clock: Any, house: House) -> None:
    await play(house, [msgspec.structs.replace(each, readings=()) for each in usual(house)])
    (row,) = house.sessions()
    assert (row.state, row.energy_wh, row.anomalies) == ("quarantined", None, ("meter_missing",))


async def test_signed_values_reach_the_cdr_byte_for_byte(autojump_clock: Any, house: House) -> None:
    def signed(minutes: float, wh: float, context: str, raw: str) -> Reading:
        record = f'{{"signedMeterData":"{raw}","signingMethod":"","encodingMethod":"OCMF","publicKey":"b2Nh"}}'
        value = sample(wh, context)
        return Reading(at(minutes), (msgspec.structs.replace(value, raw=record, signed=True),))

    started, charging, metered, ended = usual(house)
    started = msgspec.structs.replace(started, readings=(signed(0, 1000, "Transaction.Begin", "QUJD+/=="),))
    ended = msgspec.structs.replace(ended, readings=(signed(60, 11_000, "Transaction.End", "REVG"),))
    await play(house, [ended, metered, charging, started])
    (cdr,) = house.cdrs()
    assert cdr.body["total_energy"] == 10
    assert cdr.body["signed_data"] == {
        "encoding_method": "OCMF",
        "signed_values": [
            {"nature": "Start", "plain_data": "", "signed_data": "QUJD+/=="},
            {"nature": "End", "plain_data": "", "signed_data": "REVG"},
        ],
        "public_key": "b2Nh",
    }


async def test_quirk_22_values_outside_of_a_transaction_stay_with_the_evse_and_change_no_bill(
    autojump_clock: Any, house: House
) -> None:
    aligned = Reading(at(-5), (sample(900, "Sample.Clock"),))
    whole = Reading(at(20), (sample(77_000_000, "Sample.Clock"),))
    assert await house.station(m.TransactionMeter(1, 1, None, (aligned,), "h1")) == m.Done()
    events = usual(house)
    await play(house, events[:2])
    await trio.sleep(1)
    assert await house.station(m.TransactionMeter(0, 0, None, (whole,), "h2")) == m.Done()
    beside = Reading(at(20), (sample(44_000_000, "Sample.Clock"),))
    assert await house.station(m.TransactionMeter(1, 1, None, (beside,), "h3")) == m.Done()
    await play(house, events[2:])
    kinds = [(turn.actor.kind, fact.type) for batch in house.store.commits for turn in batch for fact in turn.facts if fact.bulk]
    assert [kind for kind in kinds if kind[1] != "event_metered"] == [
        ("evse", "unattributed"), ("station", "unattributed"), ("session", "metered"),
    ]  # fmt: skip
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.anomalies) == ("booked", 10_000, ("meter_without_number",))


async def test_what_the_console_shows_of_a_transaction_holds_no_token(autojump_clock: Any, house: House) -> None:
    await play(house, usual(house)[:3])
    token = house.token("GOOD")
    seen = house.system.inspect.actor(session_address(TENANT, SESSION))
    assert token.ref not in str(seen)
    assert token.masked in str(seen)


async def test_an_unregistered_evse_is_recorded_and_not_billed(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    events[0] = msgspec.structs.replace(events[0], evse=9)
    await play(house, events)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("unknown_evse",))


async def test_events_are_admitted_before_any_boot(autojump_clock: Any, nursery: trio.Nursery) -> None:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish(boot=False)
    assert (await play(house, usual(house)))[-1].total_cost == Decimal("5.95")
    refused = await house.station(usual(house)[0], "CP-unknown")
    assert isinstance(refused, m.NotAdmitted)


async def test_a_crash_in_the_middle_loses_nothing_and_asks_the_database_nothing(
    autojump_clock: Any, house: House, nursery: trio.Nursery
) -> None:
    events = usual(house)
    await play(house, events[:2])
    survivor = house.after_crash()
    await nursery.start(survivor.system.run)

    async def asked(*_: Any) -> Any:
        raise AssertionError("no look-up in the way of an event")

    for name in ("session_by_number", "session_by_transaction", "open_sessions"):
        setattr(survivor.env.lookups, name, asked)
    await play(survivor, events[1:])
    (row,) = survivor.sessions()
    assert (row.phase, row.energy_wh) == ("booked", 10_000)
    numbers = [row for row in house.store.rows if isinstance(row, NumberRow)]
    assert len(numbers) == 1


async def test_a_remote_start_is_known_by_its_number(autojump_clock: Any, house: House) -> None:
    line = FakeLine()
    await house.station(m.Connected(line, "ocpp2.0.1", 1, "peer"))
    sent: list[i.RequestStart] = []

    def render(intent: Any) -> m.WireCall:
        sent.append(intent)
        return m.WireCall("RequestStartTransaction", b"{}")

    line.wire = render
    async with trio.open_nursery() as asking:
        asking.start_soon(house.station, m.Command("c1", i.RequestStart("GOOD", 1), at(200)))
        await trio.sleep(0.5)
        await house.station(m.CommandDone("c1", 1, CommandResult("Accepted")))
    assert sent[0].remote_start_id > 0
    events = usual(house)
    events[0] = msgspec.structs.replace(events[0], trigger="RemoteStart", remote_start_id=sent[0].remote_start_id)
    await play(house, events)
    (cdr,) = house.cdrs()
    assert cdr.body["auth_method"] == "COMMAND"


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_remote_stop_may_name_our_number_and_reaches_the_stations_own_transaction(
    autojump_clock: Any, house: House, nursery: trio.Nursery, forgotten: bool
) -> None:
    await play(house, usual(house)[:2])
    (row,) = house.sessions()
    if forgotten:
        house = house.after_crash()
        await nursery.start(house.system.run)
    sent: list[Any] = []

    def render(intent: Any) -> m.WireCall:
        sent.append(intent)
        return m.WireCall("RequestStopTransaction", b"{}")

    await house.station(m.Connected(FakeLine(wire=render), "ocpp2.0.1", 1, "peer"))
    for n, name in enumerate((str(row.number), "tx-1", "999999", "nonsense")):
        with trio.move_on_after(0.2):
            await house.station(m.Command(f"c{n}", i.RequestStop(name), at(200)))
    assert [intent.transaction_id for intent in sent] == ["tx-1", "tx-1", "999999", "nonsense"]


async def test_an_event_that_crashed_its_actor_is_answered_neutrally_and_quarantines_its_session(
    autojump_clock: Any, house: House
) -> None:
    unreadable = m.Unreadable("event", "dead-1", 1, None, at(0), "tx-1", True)
    reply = await house.station(unreadable)
    assert isinstance(reply, m.TransactionReply)
    assert reply.verdict is not None
    assert reply.verdict.accepted
    (row,) = house.sessions()
    assert (row.id, row.state, row.transaction_id, row.anomalies) == (SESSION, "quarantined", "tx-1", ("unreadable",))
    assert numbered(house, row.number) == SESSION
    replies = await play(house, usual(house))
    (row,) = house.sessions()
    assert (row.state, row.energy_wh, row.stop_reason, replies[-1].total_cost) == ("quarantined", 10_000, "Local", None)


async def test_what_comes_after_an_operator_settled_it_is_kept_and_changes_nothing(autojump_clock: Any, house: House) -> None:
    events = usual(house)
    await play(house, events[:3])
    await _later(house, 13 * 60)
    to = session_address(TENANT, SESSION)
    correction = Resolve("correct", "the station burnt", "op", energy_wh=5000, ended_at=at(40))
    assert await house.ask(to, correction) == m.Done()
    replies = await play(house, events[3:])
    assert replies[0].total_cost == Decimal("2.98")
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh) == ("booked", 5000)
    assert "event_after_end" in row.anomalies
    assert len(house.cdrs()) == 1


async def test_a_station_that_counts_its_transactions_from_the_beginning_again_is_billed_for_each(
    autojump_clock: Any, house: House
) -> None:
    def charge(n: int) -> list[m.TransactionEvent]:
        """The same id, the same numbers, two minutes later each time."""
        begin = n * 20
        fields: dict[str, Any] = {"evse": 1, "token": house.token("GOOD"), "readings": (begun_reading(begin, 1000 + n * 1000),)}
        return [
            event("Started", 0, begin, "Authorized", charging_state="Charging", **fields),
            event("Updated", 1, begin + 5, readings=(reading(begin + 5, 1500 + n * 1000),)),
            event("Ended", 2, begin + 10, "StopAuthorized", readings=(ended_reading(begin + 10, 2000 + n * 1000),)),
        ]

    for n in range(4):
        started, metered, ended = charge(n)
        replies = await play(house, [started, metered])
        assert await play(house, [started]) == replies[:1], "its own retry finds it again"
        assert [reply.total_cost for reply in await play(house, [ended, ended])] == [Decimal("0.60")] * 2
        await trio.sleep(0.1)
    rows = sorted(house.sessions(), key=lambda row: row.started_at)
    assert [(row.phase, row.energy_wh, row.transaction_id) for row in rows] == [("booked", 1000, "tx-1")] * 4
    assert [row.anomalies for row in rows] == [(), *[("transaction_id_reused",)] * 3]
    assert len({row.number for row in rows}) == len(house.cdrs()) == len(house.journals()) == 4
    assert {row.station: row.session for row in house.rows.table(EvseRow)} == {STATION: None}


async def test_a_retry_that_is_dated_after_the_end_is_no_other_charge(autojump_clock: Any, house: House) -> None:
    """The station's clock was set back in between: its Started is later than its Ended."""
    started, ended = usual(house)[0], event("Ended", 1, -5, "StopAuthorized", readings=(ended_reading(-5, 1000),))
    await play(house, [started, ended, started, ended])
    await trio.sleep(0.1)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("end_before_start",))
    assert occupant(house, 1) is None


async def test_a_stop_of_1_6_whose_number_is_that_of_a_2_x_transaction_ends_nothing(autojump_clock: Any, house: House) -> None:
    """A mangled number, or a station that changed versions: only its own events end it."""
    events = usual(house)
    await play(house, events[:2])
    await trio.sleep(0.1)
    (row,) = house.sessions()
    stop = m.TransactionStop(row.number, 99_000, at(31), "Local", house.token("GOOD"))
    for _ in range(2):
        assert isinstance(await house.station(stop), m.StopReply)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("active", ("stop_contradicted",))
    await play(house, events[2:])
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, len(house.cdrs())) == ("booked", 10_000, 1)


async def test_an_event_that_fills_one_of_too_many_gaps_is_kept(autojump_clock: Any, house: House) -> None:
    """It was acknowledged, and there was no trace of it: its gap had been let go, so its number counted as known."""
    gaps = house.env.limits.event_ranges + 10
    await play(house, [event("Updated", 2 * n, n, readings=(reading(n, n),)) for n in range(gaps)])
    late = event("Updated", 1, 0.5, readings=(reading(0.5, 0.5),))
    await play(house, [late, late])
    history = await house.store.full_history(Address(*session_address(TENANT, SESSION)))
    kept = [msgspec.json.decode(fact.row.body) for fact in history if fact.row.type == "event_contradicted"]
    assert [(fact["seq"], fact["content"]) for fact in kept] == [(1, late.content)]


def occupant(house: House, evse: int) -> str | None:
    row = house.rows.get(EvseRow, TENANT, STATION, evse)
    assert row is not None
    session: str | None = row.session
    return session


def numbered(house: House, number: int) -> str | None:
    row = house.rows.get(NumberRow, number)
    assert row is not None
    session: str = row.session
    return session


async def _later(house: House, minutes: float) -> None:
    """Let our clock run, and the durable timers with it."""
    house.clock.advance(minutes * 60)
    await trio.sleep(30)
