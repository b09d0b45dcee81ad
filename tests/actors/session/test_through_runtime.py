"""Sessions through the real runtime: what a station's messages leave behind, and what retries do not change."""

from decimal import Decimal
from typing import Any

import pytest
import trio

from actors.model.ids import session_address
from actors.model.meter import Reading, Sample
from actors.model.rows import SessionRow
from actors.session.messages import Look, Resolve
from actors.station import messages as m
from tests.actors.kit import STATION, TENANT, House, at, reading


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish()
    return house


async def test_a_session_is_started_metered_stopped_rated_and_booked(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    assert reply.verdict.accepted
    await house.station(m.TransactionMeter(1, 1, reply.number, (reading(30, 6000),), "h1"))
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert (row.state, row.phase, row.energy_wh, row.unpriced) == ("ended", "booked", 10_000, False)
    assert row.cost.incl.amount_minor == 595
    (cdr,) = house.cdrs()
    assert cdr.id == row.cdr
    (journal,) = house.journals()
    assert cdr.journal == journal.id
    assert cdr.body["total_cost"] == {"excl_vat": 5, "incl_vat": 5.95}


async def test_retried_start_and_stop_change_nothing(autojump_clock: Any, house: House) -> None:
    first = await house.start()
    again = await house.start()
    assert again == first
    await house.stop(first.number)
    await trio.sleep(1)
    rows = len(house.store.rows)
    assert await house.stop(first.number) == m.StopReply(None)
    assert len(house.store.rows) == rows
    assert len(house.cdrs()) == len(house.journals()) == len(house.sessions()) == 1


async def test_the_same_start_after_its_stop_is_a_flagged_session_of_its_own(autojump_clock: Any, house: House) -> None:
    first = await house.start()
    await house.stop(first.number)
    second = await house.start()
    assert second.number != first.number
    assert await house.start() == second, "its own retry finds it again"
    await house.stop(second.number)
    third = await house.start()
    assert third.number not in (first.number, second.number)
    states = {row.number: (row.state, row.anomalies) for row in house.sessions()}
    assert states[first.number][0] == "ended"
    assert states[second.number][0] == "quarantined"
    assert states[second.number][1].count("repeated_after_stop") == 1
    assert len(house.cdrs()) == 1


async def test_a_station_without_clock_and_register_has_a_session_for_every_charge(autojump_clock: Any, house: House) -> None:
    numbers = []
    for _ in range(house.env.limits.start_generations + 4):
        reply = await house.start(wh=0)
        assert reply.number not in numbers
        numbers.append(reply.number)
        await trio.sleep(0.1)
        assert await house.start(wh=0) == reply, "a retry before the stop finds it again"
        await house.stop(reply.number, 5000)
    states = {row.number: row for row in house.sessions()}
    assert sorted(states) == sorted(numbers)
    for number in numbers[1:]:
        assert (states[number].state, states[number].cdr, states[number].energy_wh) == ("quarantined", None, 5000)
        assert "repeated_after_stop" in states[number].anomalies
        assert "stop_contradicted" not in states[number].anomalies


async def test_a_stop_with_another_content_is_kept_and_flagged_but_never_billed_again(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    await house.stop(reply.number)
    await house.stop(reply.number, 12_000)
    await house.stop(reply.number, 12_000)
    (row,) = house.sessions()
    assert row.energy_wh == 10_000
    assert "stop_contradicted" in row.anomalies
    assert len(house.cdrs()) == 1


@pytest.mark.parametrize("number", [0, -1])
async def test_quirk_14_a_stop_without_a_number_ends_the_one_session_it_fits(
    autojump_clock: Any, house: House, number: int
) -> None:
    one = await house.start("GOOD", evse=1, wh=1000)
    other = await house.start("FREE", evse=2, wh=50_000)
    await house.stop(number, 11_000, uid="GOOD")
    await house.stop(number, 11_000, uid="GOOD")
    states = {row.number: row.phase for row in house.sessions()}
    assert states == {one.number: "booked", other.number: "started"}


async def test_quirk_14_a_stop_that_fits_two_sessions_ends_neither(autojump_clock: Any, house: House) -> None:
    one = await house.start("GOOD", evse=1, wh=1000)
    other = await house.start("GOOD", evse=2, wh=1000)
    await house.stop(0, 11_000, uid="GOOD")
    states = {row.number: row.state for row in house.sessions()}
    assert states == {one.number: "active", other.number: "active", 0: "quarantined"}


async def test_a_clock_set_between_start_and_stop_makes_a_session_that_took_no_time(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    await house.stop(reply.number, 3000, minutes=-0.1)
    (row,) = house.sessions()
    assert (row.state, row.phase, row.anomalies, row.energy_wh) == ("ended", "booked", ("clock_stepped",), 2000)
    (cdr,) = house.cdrs()
    assert cdr.body["start_date_time"] == cdr.body["end_date_time"]
    assert (cdr.body["total_time"], cdr.body["total_energy"]) == (0, 2)
    assert cdr.body["total_cost"] == {"excl_vat": 1, "incl_vat": 1.19}


async def test_the_energy_of_such_a_session_can_be_corrected_alone(autojump_clock: Any, house: House) -> None:
    reply = await house.start("BAD")
    await house.stop(reply.number, 3000, minutes=-0.1)
    (row,) = house.sessions()
    assert row.state == "quarantined"
    correction = Resolve("correct", "meter was read", "op", energy_wh=1500)
    assert await house.ask(session_address(TENANT, row.id), correction) == m.Done()
    (cdr,) = house.cdrs()
    assert (cdr.body["total_time"], cdr.body["total_energy"]) == (0, 1.5)


async def test_a_stop_long_before_its_start_waits_for_an_operator(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    await house.stop(reply.number, 3000, minutes=-1)
    (row,) = house.sessions()
    assert (row.state, row.anomalies, row.cdr) == ("quarantined", ("end_before_start",), None)


async def test_quirk_19_a_stop_of_an_unknown_number_is_kept_for_an_operator(autojump_clock: Any, house: House) -> None:
    open_one = await house.start()
    assert await house.stop(987_654) == m.StopReply(None)
    stray = next(row for row in house.sessions() if row.number != open_one.number)
    assert (stray.state, stray.transaction_id) == ("quarantined", "987654")
    refused = await house.ask(session_address(TENANT, stray.id), Resolve("bill", "why not", "op"))
    assert refused.code == "no_tariff"
    assert await house.ask(session_address(TENANT, stray.id), Resolve("waive", "nothing known", "op")) == m.Done()
    assert house.rows.get(type(stray), TENANT, stray.id).phase == "waived"


async def test_a_number_of_another_station_ends_nothing_there(autojump_clock: Any, house: House) -> None:
    await house.register("CP-2")
    reply = await house.start()
    stop = m.TransactionStop(reply.number, 11_000, at(60), "Local")
    await house.station(stop, "CP-2")
    states = {(row.station, row.state) for row in house.sessions()}
    assert states == {(STATION, "active"), ("CP-2", "quarantined")}


async def test_quirk_16_a_blocked_token_is_recorded_and_never_billed_without_an_operator(
    autojump_clock: Any, house: House
) -> None:
    reply = await house.start("BAD")
    assert reply.verdict.status == "Blocked"
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert (row.state, row.cdr) == ("quarantined", None)
    assert "token_not_accepted" in row.anomalies
    await house.ask(session_address(TENANT, row.id), Resolve("bill", "customer called", "op"))
    (row,) = house.sessions()
    assert row.phase == "booked"


async def test_a_blocked_token_that_got_nothing_leaves_nothing_to_do(autojump_clock: Any, house: House) -> None:
    reply = await house.start("BAD")
    await house.stop(reply.number, 1000, minutes=1)
    (row,) = house.sessions()
    assert (row.state, row.phase, house.cdrs()) == ("ended", "waived", [])


async def test_a_free_token_has_a_cdr_at_zero_and_no_journal(autojump_clock: Any, house: House) -> None:
    reply = await house.start("FREE")
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert row.cost.incl.amount_minor == 0
    assert row.unpriced is False
    assert [cdr.journal for cdr in house.cdrs()] == [None]
    assert house.journals() == []


async def test_without_a_tariff_a_session_is_unpriced_until_one_is_named(autojump_clock: Any, house: House) -> None:
    await house.register(tariff=None)
    reply = await house.start()
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert (row.state, row.unpriced, row.cost, row.cdr) == ("ended", True, None, None)
    card = house.env.snapshots.tariff(TENANT, "standard", at(0))
    assert await house.ask(session_address(TENANT, row.id), Resolve("bill", "agreed", "op", tariff=card)) == m.Done()
    (row,) = house.sessions()
    assert (row.phase, row.unpriced, row.cost.incl.amount_minor) == ("booked", False, 595)


async def test_quirk_21_a_lost_start_register_goes_to_quarantine_and_can_be_corrected(autojump_clock: Any, house: House) -> None:
    reply = await house.start(wh=0)
    await house.stop(reply.number, 910_083)
    (row,) = house.sessions()
    assert (row.state, row.cdr) == ("quarantined", None)
    done = await house.ask(session_address(TENANT, row.id), Resolve("correct", "read the display", "op", energy_wh=83))
    assert done == m.Done()
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh, row.cost.incl.amount_minor) == ("booked", 83, 5)


async def test_quirk_15_a_superseded_session_still_ends_when_its_stop_comes(autojump_clock: Any, house: House) -> None:
    old = await house.start(wh=1000, minutes=-600)
    new = await house.start(wh=9000, minutes=0)
    await trio.sleep(1)
    flags = {row.number: row.anomalies for row in house.sessions()}
    assert flags == {old.number: ("superseded",), new.number: ()}
    await house.stop(old.number, 9000, minutes=-500)
    phases = {row.number: row.phase for row in house.sessions()}
    assert phases == {old.number: "booked", new.number: "started"}


async def test_quirk_22_meter_values_without_a_number_find_the_open_session_or_stay_with_the_evse(
    autojump_clock: Any, house: House
) -> None:
    reply = await house.start()
    await trio.sleep(1)
    await house.station(m.TransactionMeter(1, 1, None, (reading(5, 2000),), "h1"))
    await house.station(m.TransactionMeter(2, 1, None, (reading(5, 2000),), "h1"))
    await house.station(m.TransactionMeter(0, 0, None, (reading(5, 2000),), "h1"))
    kinds = [(turn.actor.kind, fact.type) for batch in house.store.commits for turn in batch for fact in turn.facts if fact.bulk]
    assert kinds == [("session", "metered"), ("evse", "unattributed"), ("station", "unattributed")]
    await house.stop(reply.number)


async def test_a_crash_between_start_and_stop_loses_nothing(autojump_clock: Any, house: House, nursery: trio.Nursery) -> None:
    reply = await house.start()
    await house.station(m.TransactionMeter(1, 1, reply.number, (reading(30, 6000),), "h1"))
    survivor = house.after_crash()
    await nursery.start(survivor.system.run)
    assert await survivor.start() == reply
    await survivor.station(m.TransactionMeter(1, 1, reply.number, (reading(30, 6000),), "h1"))
    await survivor.stop(reply.number)
    (row,) = survivor.sessions()
    assert (row.phase, row.energy_wh) == ("booked", 10_000)
    bulk = [fact for batch in house.store.commits for turn in batch for fact in turn.facts if fact.bulk]
    assert len(bulk) == 1


async def test_an_open_session_always_has_its_timer_and_silence_only_flags_it(autojump_clock: Any, house: House) -> None:
    await house.start()
    assert [name for address, name in house.store.timers if address.kind == "session"] == ["overdue"]
    house.clock.advance(13 * 3600)
    await trio.sleep(30)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("active", ("overdue",))
    assert [name for address, name in house.store.timers if address.kind == "session"] == ["overdue"]
    await house.stop(row.number, minutes=60)
    assert house.store.timers == {}


async def test_an_unreadable_stop_quarantines_its_session_and_is_answered(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    answer = await house.station(m.Unreadable("stop", "dead-1", 1, reply.number, at(60)))
    assert answer == m.StopReply(None)
    (row,) = house.sessions()
    assert (row.state, row.anomalies) == ("quarantined", ("unreadable",))
    await house.stop(reply.number)
    (row,) = house.sessions()
    assert (row.state, row.energy_wh, row.cdr) == ("quarantined", 10_000, None)
    await house.ask(session_address(TENANT, row.id), Resolve("bill", "looked at it", "op"))
    assert house.sessions()[0].phase == "booked"


async def test_an_unreadable_start_gets_a_number_that_its_stop_finds_again(autojump_clock: Any, house: House) -> None:
    answer = await house.station(m.Unreadable("start", "dead-1", 1, None, at(0)))
    assert answer.number > 0
    assert (await house.station(m.Unreadable("start", "dead-1", 1, None, at(0)))).number == answer.number
    await house.stop(answer.number)
    (row,) = house.sessions()
    assert (row.state, row.number, row.energy_wh) == ("quarantined", answer.number, None)


async def test_another_energy_at_the_same_moment_is_flagged_and_other_measurands_are_not(
    autojump_clock: Any, house: House
) -> None:
    reply = await house.start()
    power = Reading(at(5), (Sample(Decimal(11_000), "11000", "Power.Active.Import", "W"),))
    for n, told in enumerate((reading(5, 2000), power, reading(5, 2000))):
        await house.station(m.TransactionMeter(1, 1, reply.number, (told,), f"h{n}"))
    look = await house.ask(session_address(TENANT, house.sessions()[0].id), Look())
    assert look.anomalies == ()
    await house.station(m.TransactionMeter(1, 1, reply.number, (reading(5, 2500),), "h9"))
    look = await house.ask(session_address(TENANT, house.sessions()[0].id), Look())
    assert look.anomalies == ("meter_contradicted",)
    await house.stop(reply.number)
    assert house.sessions()[0].phase == "booked", "readings only shape the curve: the bill is stop minus start"


async def test_a_token_of_the_same_group_may_stop_and_any_other_is_flagged(autojump_clock: Any, house: House) -> None:
    house.clock.advance(3 * 3600)
    for uid, group in (("ONE", "FLEET"), ("TWO", "FLEET"), ("OTHER", "ELSE")):
        await house.put_token(uid, group=group)
    first = await house.start("ONE")
    await house.stop(first.number, uid="TWO")
    assert house.sessions()[0].anomalies == ()
    second = await house.start("ONE", minutes=70)
    await house.stop(second.number, uid="OTHER", minutes=90)
    row = next(row for row in house.sessions() if row.number == second.number)
    assert (row.phase, row.anomalies) == ("booked", ("stopped_by_other_token",))


async def test_a_row_is_written_at_most_every_ten_seconds_between_transitions(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    before = len([row for row in house.store.rows if isinstance(row, SessionRow)])
    for n in range(30):
        await trio.sleep(1)
        await house.station(m.TransactionMeter(1, 1, reply.number, (reading(n / 60, 1000 + n),), f"h{n}"))
    written = len([row for row in house.store.rows if isinstance(row, SessionRow)]) - before
    assert 2 <= written <= 4
    look = await house.ask(session_address(TENANT, house.sessions()[0].id), Look())
    assert look.energy_wh == 29, "whoever asks the actor sees the newest"


async def test_a_shown_session_names_no_token(autojump_clock: Any, house: House) -> None:
    reply = await house.start()
    await house.stop(reply.number, 12_000, uid="GOOD")
    await house.stop(reply.number, 12_001, uid="GOOD")
    shown = str(house.system.inspect.actor(session_address(TENANT, house.sessions()[0].id)))
    assert house.token("GOOD").ref not in shown
    assert "booked" in shown


async def test_a_session_without_duration_is_billed_by_its_registers(autojump_clock: Any, house: House) -> None:
    reply = await house.start(wh=0)
    await house.station(m.TransactionMeter(1, 1, reply.number, (reading(0, 5000),), "h1"))
    await house.stop(reply.number, 10_000, minutes=0)
    (row,) = house.sessions()
    assert (row.phase, row.energy_wh) == ("booked", 10_000)


async def test_quirk_21_energy_that_the_station_cannot_have_delivered_is_not_billed(autojump_clock: Any, house: House) -> None:
    location = {"max_power_w": 11_000}
    await house.station(m.Register(2, 0, None, False, ("ocpp1.6",), "standard", location, "op"))
    reply = await house.start(wh=0)
    await house.stop(reply.number, 60_083, minutes=5)
    (row,) = house.sessions()
    assert (row.state, row.cdr) == ("quarantined", None)
