"""Orders of our own actors, and what siblings are told: through the real runtime, with a keeper that only listens."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
import trio

from actors.certificates.messages import CsrReceived
from actors.device.messages import ReportPart
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import Letter
from actors.model.ids import sibling_address, station_address
from actors.station import messages as m
from actors.station.letters import BootsWanted, IntentDone, Order, OrderEnded, OrderWithdrawn, StationBooted
from actors.station.sealing import opened, order_of
from storage.vault import Vault
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House
from tests.actors.station.probe import Write, probes

ADDRESS = station_address(TENANT, STATION)
DEVICE = sibling_address(TENANT, "device", STATION)
RESERVATION = sibling_address(TENANT, "reservation", STATION)
REPORT = i.GetBaseReport("FullInventory")


def noting(asked: list[Any], wire: m.WireCall) -> Callable[[Any], m.WireCall]:
    """A line that keeps what it is asked to carry."""

    def render(intent: Any) -> m.WireCall:
        asked.append(intent)
        return wire

    return render


class Yard(House):
    def __init__(self, **kwargs: Any) -> None:
        self.heard: dict[str, list[Any]] = {"device": [], "reservation": []}
        super().__init__(keepers=probes(self.heard), **kwargs)

    async def order(
        self, id: str = "o1", intent: Any = REPORT, seconds: float = 3600, by: tuple[str, str, str] = DEVICE, plain: bool = False
    ) -> None:
        until = self.clock.now() + timedelta(seconds=seconds)
        order = Order(id, until, by, intent) if plain else order_of(self.env.vault, TENANT, id, intent, until, by)
        await self.ask(by, Write(Letter(ADDRESS, order)))
        await trio.sleep(0.1)

    async def connect(self, generation: int = 1, wire: Any = None) -> FakeLine:
        line = FakeLine(generation, wire or m.WireCall("GetBaseReport", b"{}"))
        self.system.tell(ADDRESS, m.Connected(line, "ocpp2.0.1", generation, ""))
        await trio.sleep(0.1)
        return line

    async def answer(self, id: str = "o1", outcome: Any = None, generation: int = 1) -> None:
        self.system.tell(ADDRESS, m.CommandDone(id, generation, outcome or i.CommandResult("Accepted")))
        await trio.sleep(0.1)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await trio.sleep(10)

    def told(self, kind: type, sibling: str = "device") -> list[Any]:
        return [message for message in self.heard[sibling] if type(message) is kind]

    def written(self) -> bytes:
        stored = b"".join(fact.body for batch in self.store.commits for turn in batch for fact in turn.facts)
        stored += b"".join(letter.body for batch in self.store.commits for turn in batch for letter in turn.letters)
        return stored + b"".join(effect[0].body for effect in self.store.effects.values())


@pytest.fixture
async def yard(nursery: trio.Nursery) -> Yard:
    yard = Yard()
    await nursery.start(yard.system.run)
    await yard.furnish()
    return yard


async def test_an_order_waits_for_the_station_is_sent_once_and_answered_to_who_ordered(autojump_clock: Any, yard: Yard) -> None:
    await yard.order()
    assert (await yard.station(m.Look())).orders == ("o1",)
    asked: list[Any] = []
    line = await yard.connect(wire=noting(asked, m.WireCall("GetBaseReport", b"{}", ("x",))))
    assert [call[0] for call in line.calls] == ["o1"]
    assert asked == [i.GetBaseReport("FullInventory", 1)], "with a request id that was never used before"
    await yard.answer()
    accepted = i.CommandResult("Accepted")
    assert yard.told(OrderEnded) == [OrderEnded("o1", STATION, accepted, "ocpp2.0.1", ("x",), 1)]
    assert yard.told(IntentDone) == [], "what it ordered itself is told once"
    assert not any(name.startswith("order:") for _, name in yard.store.timers)
    await yard.connect(2)
    assert len(line.calls) == 1
    assert [row[1] for row in yard.store.effects.values()] == ["done"]


async def test_orders_go_one_by_one_in_their_order_and_after_the_commands_of_people(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    line = await yard.connect()
    nursery.start_soon(yard.ask, ADDRESS, m.Command("c1", i.Reset("OnIdle"), T0 + timedelta(seconds=60)), 100)
    await trio.sleep(0.1)
    await yard.order("o1")
    await yard.order("o2")
    assert [call[0] for call in line.calls] == ["c1"]
    await yard.answer("c1")
    assert [call[0] for call in line.calls] == ["c1", "o1"]
    nursery.start_soon(yard.ask, ADDRESS, m.Command("c2", i.Reset("OnIdle"), T0 + timedelta(seconds=60)), 100)
    await trio.sleep(0.1)
    assert [call[0] for call in line.calls] == ["c1", "o1", "c2"], "a person does not wait for an order"
    await yard.answer("o1")
    assert [call[0] for call in line.calls] == ["c1", "o1", "c2"]
    await yard.answer("c2")
    assert [call[0] for call in line.calls] == ["c1", "o1", "c2", "o2"]


async def test_an_order_whose_time_is_over_before_the_station_comes_ends_as_timeout(autojump_clock: Any, yard: Yard) -> None:
    await yard.order(seconds=60)
    await yard.pass_time(61)
    (ended,) = yard.told(OrderEnded)
    assert (ended.id, ended.outcome.reason) == ("o1", "timeout")
    line = await yard.connect()
    assert line.calls == []
    await yard.order("o2", seconds=-1)
    assert [told.outcome.reason for told in yard.told(OrderEnded)] == ["timeout", "timeout"]


async def test_an_order_that_was_sent_when_the_node_died_ends_as_unknown_and_is_not_sent_again(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    await yard.connect()
    await yard.order()
    survivor = yard.after_crash()
    await nursery.start(survivor.system.run)
    line = await survivor.connect(2)
    assert line.calls == []
    (ended,) = yard.told(OrderEnded)
    assert (ended.outcome.reason, ended.request_id) == ("unknown", 1)


async def test_an_order_that_waits_survives_the_node_and_is_sent_by_the_next(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    await yard.order()
    survivor = yard.after_crash()
    await nursery.start(survivor.system.run)
    line = await survivor.connect(2)
    assert [call[0] for call in line.calls] == ["o1"]


async def test_a_lost_connection_ends_what_was_sent_and_keeps_what_waits(autojump_clock: Any, yard: Yard) -> None:
    await yard.connect()
    await yard.order("o1")
    await yard.order("o2")
    yard.system.tell(ADDRESS, m.Disconnected(1))
    await trio.sleep(0.1)
    assert [(told.id, told.outcome.reason) for told in yard.told(OrderEnded)] == [("o1", "unknown")]
    line = await yard.connect(2)
    assert [call[0] for call in line.calls] == ["o2"]


async def test_what_the_version_cannot_carry_is_told_with_its_field(autojump_clock: Any, yard: Yard) -> None:
    await yard.connect(wire=i.Unsupported("1.6 has no reports", "base"))
    await yard.order()
    (ended,) = yard.told(OrderEnded)
    assert ended.outcome == i.CommandFailure("unsupported", detail="1.6 has no reports", field="base")
    assert yard.store.effects == {}


async def test_a_withdrawn_order_is_not_sent_and_nothing_more_is_said(autojump_clock: Any, yard: Yard) -> None:
    await yard.order("o1")
    await yard.order("o2")
    await yard.ask(DEVICE, Write(Letter(ADDRESS, OrderWithdrawn("o1"))))
    line = await yard.connect()
    assert [call[0] for call in line.calls] == ["o2"]
    await yard.ask(DEVICE, Write(Letter(ADDRESS, OrderWithdrawn("o2"))))
    await yard.answer("o2")
    assert [told.id for told in yard.told(OrderEnded)] == ["o2"], "too late: it was on its way"


async def test_orders_are_bounded_and_one_too_many_is_told(nursery: trio.Nursery, autojump_clock: Any) -> None:
    yard = Yard(limits=DomainLimits(open_orders=2))
    await nursery.start(yard.system.run)
    await yard.furnish()
    for n in range(3):
        await yard.order(f"o{n}")
    (ended,) = yard.told(OrderEnded)
    assert (ended.id, ended.outcome.code) == ("o2", "Busy")


async def test_a_pending_station_gets_orders_but_no_remote_start(nursery: trio.Nursery, autojump_clock: Any) -> None:
    yard = Yard()
    await nursery.start(yard.system.run)
    await yard.furnish(boot=False, settings={"boot": "Pending"})
    await yard.order("o1", i.RequestStart("GOOD", evse=1))
    await yard.order("o2")
    line = await yard.connect()
    assert line.calls == [], "nothing before its boot"
    await yard.station(m.Boot("V", "M"))
    await trio.sleep(0.1)
    assert [call[0] for call in line.calls] == ["o2"]
    await yard.answer("o2")
    assert len(line.calls) == 1


async def test_a_sealed_order_is_nowhere_in_plain_and_reaches_the_station_whole(autojump_clock: Any, yard: Yard) -> None:
    intent = i.ReserveNow(7, T0 + timedelta(hours=1), "04A2B3C4", evse=1)
    asked: list[Any] = []
    await yard.order("o1", intent)
    await yard.order("o2", i.RequestStart("04A2B3C4", 1), by=RESERVATION)
    await yard.connect(wire=noting(asked, m.WireCall("ReserveNow", b"{}")))
    await yard.answer("o1")
    assert asked[0] == intent
    assert b"04A2B3C4" not in yard.written()
    (done,) = yard.told(IntentDone, "reservation")
    assert done.intent is None
    assert opened(yard.env.vault, done) == intent


async def test_an_order_in_plain_that_names_a_token_is_kept_sealed(autojump_clock: Any, yard: Yard) -> None:
    await yard.order("o1", i.RequestStart("04A2B3C4", 1), plain=True)
    facts = b"".join(fact.body for batch in yard.store.commits for turn in batch for fact in turn.facts)
    assert b"order_accepted" in facts
    assert b"04A2B3C4" not in facts


async def test_an_order_sealed_under_another_key_ends_as_an_error(autojump_clock: Any, yard: Yard) -> None:
    foreign = order_of(Vault(b"x" * 32), TENANT, "o1", i.RequestStart("GOOD", 1), T0 + timedelta(hours=1), DEVICE)
    await yard.ask(DEVICE, Write(Letter(ADDRESS, foreign)))
    await trio.sleep(0.1)
    (ended,) = yard.told(OrderEnded)
    assert (ended.outcome.reason, ended.outcome.code) == ("error", "Unreadable")
    assert await yard.station(m.Heartbeat())


async def test_an_unregistered_station_takes_no_orders_and_gives_up_those_it_had(autojump_clock: Any, yard: Yard) -> None:
    await yard.order("o1")
    await yard.station(m.Unregister("op"))
    await yard.order("o2")
    assert [(told.id, told.outcome.code) for told in yard.told(OrderEnded)] == [
        ("o1", "UnknownStation"),
        ("o2", "UnknownStation"),
    ]
    assert yard.store.timers == {}


# -- request ids


async def test_request_ids_rise_over_commands_orders_and_restarts_and_an_operators_own_is_kept(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    asked: list[Any] = []
    await yard.connect(wire=noting(asked, m.WireCall("GetLog", b"{}")))
    sent: list[Any] = []

    async def command(id: str, intent: Any) -> None:
        sent.append(await yard.ask(ADDRESS, m.Command(id, intent, T0 + timedelta(seconds=60)), 100))

    for n, given in enumerate((0, 40, 0, 5)):
        nursery.start_soon(command, f"c{n}", i.GetLog("http://x", request_id=given))
        await trio.sleep(0.1)
        await yard.answer(f"c{n}")
        assert await yard.system.inspect.restart(ADDRESS)
    await yard.order("o1")
    await yard.answer("o1")
    assert [intent.request_id for intent in asked] == [1, 40, 41, 5, 42]
    assert [answer.request_id for answer in sent] == [1, 40, 41, 5]
    assert yard.told(OrderEnded)[0].request_id == 42


async def test_an_id_that_the_version_cannot_carry_is_lost_only_if_somebody_gave_it(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    await yard.connect(wire=m.WireCall("GetDiagnostics", b"{}", ("request_id",)))
    sent: list[Any] = []

    async def command(id: str, intent: Any) -> None:
        sent.append(await yard.ask(ADDRESS, m.Command(id, intent, T0 + timedelta(seconds=60)), 100))

    for n, given in enumerate((0, 40)):
        nursery.start_soon(command, f"c{n}", i.GetLog("http://x", request_id=given))
        await trio.sleep(0.1)
        await yard.answer(f"c{n}")
    assert [(answer.wire.lost, answer.request_id) for answer in sent] == [((), None), (("request_id",), None)]


# -- siblings


async def test_what_a_sibling_owns_is_admitted_and_forwarded_and_its_commit_gates_the_reply(
    autojump_clock: Any, yard: Yard
) -> None:
    part = ReportPart(1, 0, False, T0)
    assert await yard.station(part) == m.Done()
    assert yard.told(ReportPart) == [part]
    assert any(turn.actor == DEVICE and turn.facts for batch in yard.store.commits for turn in batch)
    await yard.register("CP-2")
    assert (await yard.station(part, "CP-2")).code == "SecurityError"


async def test_what_belongs_to_a_kind_that_nobody_keeps_is_refused_honestly(autojump_clock: Any, yard: Yard) -> None:
    refused = await yard.station(CsrReceived("-----BEGIN"))
    assert (refused.code, refused.detail) == ("NotSupported", "no certificates is kept here")


async def test_the_answer_to_a_command_is_told_to_who_keeps_the_book_without_secrets(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    await yard.connect()
    password = i.VariableRef("SecurityCtrlr", "BasicAuthPassword")
    interval = i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval")
    intents: list[Any] = [i.SetVariable(password, "hunter2hunter2"), i.SetVariable(interval, "60"), i.Reset("OnIdle")]
    for n, intent in enumerate(intents):
        nursery.start_soon(yard.ask, ADDRESS, m.Command(f"c{n}", intent, T0 + timedelta(seconds=60)), 100)
        await trio.sleep(0.1)
        await yard.answer(f"c{n}")
    told = yard.told(IntentDone)
    assert [message.intent for message in told] == [i.SetVariable(password, ""), i.SetVariable(interval, "60")]
    assert told[0].result.status == "Accepted"
    assert b"hunter2" not in yard.written()
    assert yard.heard["reservation"] == []


async def test_siblings_hear_of_the_first_boot_and_of_another_firmware_only(autojump_clock: Any, yard: Yard) -> None:
    for _ in range(3):
        await yard.station(m.Boot("V", "M", firmware="1"))
        await yard.pass_time(5)
    await yard.station(m.Boot("V", "M", firmware="2"))
    await yard.pass_time(5)
    await yard.station(m.Boot("V", "M", firmware="2"))
    await yard.pass_time(5)
    told = yard.told(StationBooted)
    assert [(boot.firmware, boot.first, boot.changed) for boot in told] == [("1", True, True), ("2", False, True)]
    assert yard.heard["reservation"] == [], "it asked for no boots"


async def test_a_sibling_that_asked_hears_of_the_next_boot_once(autojump_clock: Any, yard: Yard) -> None:
    await yard.station(m.Boot("V", "M"))
    await yard.pass_time(5)
    await yard.ask(RESERVATION, Write(Letter(ADDRESS, BootsWanted("reservation"))))
    for _ in range(2):
        await yard.station(m.Boot("V", "M", reason="RemoteReset"))
        await yard.pass_time(5)
    (told,) = yard.told(StationBooted, "reservation")
    assert (told.first, told.changed, told.reason) == (False, False, "RemoteReset")


async def test_a_boot_that_somebody_waits_for_is_told_although_an_earlier_greeting_is_on_its_way(
    autojump_clock: Any, yard: Yard
) -> None:
    await yard.station(m.Boot("V", "M"))
    await yard.ask(RESERVATION, Write(Letter(ADDRESS, BootsWanted("reservation"))))
    yard.clock.advance(1)
    await yard.station(m.Boot("V", "M", reason="RemoteReset"))
    await yard.pass_time(5)
    (told,) = yard.told(StationBooted, "reservation")
    assert (told.first, told.reason) == (True, "RemoteReset")


async def test_a_storm_of_first_boots_greets_at_a_bounded_rate(nursery: trio.Nursery, autojump_clock: Any) -> None:
    yard = Yard(limits=DomainLimits(greetings_per_second=2))
    await nursery.start(yard.system.run)
    await yard.furnish()
    for n in range(2, 8):
        await yard.register(f"CP-{n}")
        await yard.station(m.Boot("V", "M"), f"CP-{n}")
    due = sorted(at for (_, name), (at, _) in yard.store.timers.items() if name == "greet")
    gaps = {(later - sooner).total_seconds() for sooner, later in pairwise(due)}
    assert gaps == {0.5}


# -- upkeep


async def test_security_events_are_booked_flagged_and_told_once(nursery: trio.Nursery, autojump_clock: Any) -> None:
    yard = Yard(limits=DomainLimits(security_events=3))
    await nursery.start(yard.system.run)
    await yard.furnish()
    for n in range(5):
        told = m.SecurityEvent("TamperDetectionActivated" if n else "VendorThing", T0 + timedelta(seconds=n), "x" * 5000)
        assert await yard.station(told) == m.Done()
        assert await yard.station(told) == m.Done()
    page = await yard.queries.book(TENANT, STATION, "security", 10, None)
    assert [(row.key, row.body["critical"]) for row in page.items] == [(f"{n:09d}", True) for n in (2, 3, 4)]
    assert len(page.items[0].body["tech_info"]) == yard.env.limits.detail_characters
    lines = [line for line in yard.rows.events if line.kind == "station.security"]
    assert [line.body["critical"] for line in lines] == [False, True, True, True, True]


async def test_firmware_and_logs_have_their_history_with_request_ids(
    autojump_clock: Any, yard: Yard, nursery: trio.Nursery
) -> None:
    await yard.connect()
    nursery.start_soon(yard.ask, ADDRESS, m.Command("c1", i.GetLog("http://x"), T0 + timedelta(seconds=60)), 100)
    await trio.sleep(0.1)
    await yard.answer("c1", i.CommandResult("Accepted", {"file_name": "log.gz"}))
    await yard.station(m.LogStatus("Uploaded", 1))
    await yard.station(m.FirmwareStatus("Downloading", 2))
    await yard.station(m.PublishFirmwareStatus("Published", 3, ("http://lc/fw",)))
    log = [row.body for row in (await yard.queries.book(TENANT, STATION, "log", 9, None)).items]
    assert [(body["what"], body["status"], body["request_id"]) for body in log] == [
        ("requested", "Accepted", 1),
        ("status", "Uploaded", 1),
    ]
    assert log[0]["file_name"] == "log.gz"
    firmware = [row.body for row in (await yard.queries.book(TENANT, STATION, "firmware", 9, None)).items]
    assert [(body["what"], body["status"], body["request_id"]) for body in firmware] == [
        ("status", "Downloading", 2),
        ("publish", "Published", 3),
    ]
    assert firmware[1]["locations"] == ["http://lc/fw"]


async def test_a_customer_report_is_assembled_in_any_order_and_only_the_vault_can_read_it(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    yard = Yard(limits=DomainLimits(customer_report_parts=3))
    await nursery.start(yard.system.run)
    await yard.furnish()
    for seq, more, text in ((1, False, " Doe"), (0, True, "Jane"), (0, True, "Jane"), (7, True, "too much")):
        assert await yard.station(m.CustomerReportPart(5, seq, more, text, T0)) == m.Done()
    (row,) = (await yard.queries.book(TENANT, STATION, "customer_report", 9, None)).items
    assert row.body == {"request_id": 5, "parts": 2, "complete": True, "cut": True}
    assert b"Jane" not in yard.written() + msgspec.json.encode(list(yard.rows.events))
    cells = [await yard.queries.vault_row(TENANT, f"customer/{STATION}/5/{seq}") for seq in (0, 1)]
    assert "".join(yard.env.vault.open(cell) for cell in cells if cell is not None) == "Jane Doe"
    for request in range(6, 6 + yard.env.limits.customer_reports):
        await yard.station(m.CustomerReportPart(request, 0, False, "text", T0))
    erased = await yard.queries.vault_row(TENANT, f"customer/{STATION}/5/0")
    assert erased is None or not erased.key, "the oldest one made room and cannot be read any more"
