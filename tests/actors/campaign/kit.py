"""A campaign without a runtime: decisions are applied, what it orders is collected, its timers wait to be fired."""

from datetime import datetime, timedelta
from typing import Any

from actors.campaign import messages as m
from actors.campaign.decide import decide
from actors.campaign.state import CampaignState, apply
from actors.campaign.targets import ACTIVE, Target
from actors.campaign.turn import Turn
from actors.limits import DomainLimits
from actors.model.campaign import Definition, FirmwareWork
from actors.model.intents import CommandFailure, CommandResult
from actors.model.rows import EventRow
from actors.station.letters import FirmwareProgress, Order, OrderEnded, OrderWithdrawn
from tests.actors.kit import T0

HERE = ("acme", "campaign", "c1")
WORK = FirmwareWork("http://fw/fw-2.0.bin", "2.0")


def definition(n: int = 5, **more: Any) -> Definition:
    return Definition(name="spring", work=WORK, stations=tuple(f"CP-{k:03d}" for k in range(n)), **more)


class Bench:
    """`open`: orders that the stations have not settled, by station; `sent`: those that went out."""

    def __init__(self, given: Definition, *, zone: str = "Europe/Berlin", limits: DomainLimits | None = None) -> None:
        self.limits, self.zone, self.now = limits or DomainLimits(campaign_slice=3, campaign_gather=3), zone, T0
        self.state = CampaignState()
        self.timers: dict[str, tuple[datetime, Any]] = {}
        self.open: dict[str, Order] = {}
        self.orders: list[tuple[str, Order]] = []
        self.events: list[EventRow] = []
        self.mail: list[tuple[str, Order, Any]] = []
        self.tell(m.Create(given, "op"))

    def tell(self, message: Any) -> Any:
        decision = decide(Turn(HERE, self.state, self.zone, self.now, self.limits), message)
        for fact in decision.facts:
            self.state = apply(self.state, fact)
        for timer in decision.timers:
            self.timers.pop(timer.name, None)
            if timer.at is not None:
                self.timers[timer.name] = (timer.at, timer.message)
        self.events += [row for row in decision.rows if isinstance(row, EventRow)]
        for letter in decision.letters:
            station, message_ = letter.to[2], letter.message
            if isinstance(message_, Order):
                assert station not in self.open, f"{station} is ordered twice at once"
                self.open[station] = message_
                self.orders.append((station, message_))
            elif isinstance(message_, OrderWithdrawn) and station in self.open and self.open[station].id == message_.id:
                self.mail.append((station, self.open[station], CommandFailure("superseded", "NotSent")))
        self.check()
        return decision.reply

    def control(self, action: Any) -> Any:
        return self.tell(m.Control(action, "op"))

    def deliver(self) -> None:
        """Letters of the stations: about withdrawn orders, and answers that come late."""
        while self.mail:
            station, order, outcome = self.mail.pop(0)
            if order is self.open.get(station):
                del self.open[station]
            self.tell(OrderEnded(order.id, station, outcome))

    def end(self, station: str, outcome: Any) -> None:
        order = self.open.pop(station)
        self.mail = [letter for letter in self.mail if letter[1] is not order]
        self.tell(OrderEnded(order.id, station, outcome))

    def accept(self, station: str, status: str = "Accepted") -> None:
        self.end(station, CommandResult(status))

    def says(self, station: str, status: str, firmware: str | None = None) -> None:
        order = next(order for known, order in reversed(self.orders) if known == station)
        if order is self.open.get(station):  # it has the order, though its answer is not known yet
            del self.open[station]
            self.mail = [letter for letter in self.mail if letter[1] is not order]
            self.mail.append((station, order, CommandResult("Accepted")))
        self.tell(FirmwareProgress(order.id, station, status, self.now, firmware))

    def fire(self, until: timedelta = timedelta(0)) -> None:
        """All timers that are due until then, in their order: those of the stations' actors for their orders, too."""
        end = self.now + until
        for _ in range(10_000):
            due = [(at, name) for name, (at, _) in self.timers.items() if at <= end]
            over = [(order.not_after, station) for station, order in self.open.items() if order.not_after <= end]
            if over and (not due or min(over)[0] <= min(due)[0]):
                at, station = min(over)
                self.now = max(self.now, at)
                self.end(station, CommandFailure("timeout", "NotSent"))
                continue
            if not due:
                break
            at, name = min(due)
            self.now = max(self.now, at)
            message = self.timers.pop(name)[1]
            self.tell(self.taken() if isinstance(message, m.Advance) and self.state.phase == "gathering" else message)
        self.now = end

    def taken(self) -> m.Taken:
        given = self.state.definition
        assert given is not None
        size, begin = self.limits.campaign_gather, int(self.state.after or 0)
        return m.Taken(given.stations[begin : begin + size], (), str(begin + size), begin + size < len(given.stations))

    def start(self) -> None:
        self.control("start")
        self.fire()

    @property
    def targets(self) -> dict[str, Target]:
        return dict(self.state.everybody())

    def states(self) -> dict[str, str]:
        return {station: target.state for station, target in self.state.everybody()}

    def check(self) -> None:
        """What always holds."""
        counted: dict[str, int] = {}
        for state in self.states().values():
            counted[state] = counted.get(state, 0) + 1
        assert counted == {state: count for state, count in self.state.counts.items() if count}
        given = self.state.definition
        if given is not None:
            assert sum(counted.get(state, 0) for state in ACTIVE) <= given.at_once
