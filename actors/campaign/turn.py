"""One turn of a campaign: what it decides step by step, and how it goes on. Pure.

A turn begins with what came (an answer, a timer, a command) and ends with `go_on`, which gives the freed places to the
next stations, begins the next wave, or ends the campaign. What would be too much for one turn goes on with the durable
timer `next`: a campaign whose node was killed is woken by it, and by the deadlines of the stations under way.
"""

from datetime import datetime, timedelta
from typing import Any

from actors.campaign import facts as f
from actors.campaign import messages as m
from actors.campaign import targets as t
from actors.campaign import work
from actors.campaign.rows import summary, summary_row
from actors.campaign.state import CANCELLED, CANCELLING, ENDED, PAUSED, RUNNING, CampaignState, apply
from actors.limits import DomainLimits
from actors.model.campaign import Definition, closing, opening
from actors.model.decision import AddressKey, Decision, Letter, Timer
from actors.model.feed import event
from actors.model.ids import station_address
from actors.station.letters import Order, OrderWithdrawn

NEXT = "next"
START = "start"


def target_timer(station: str) -> str:
    """One a station: its deadline, or its next attempt."""
    return f"target/{station}"


class Turn:
    """`zone`: the tenant's time zone."""

    def __init__(self, here: AddressKey, state: CampaignState, zone: str, now: datetime, limits: DomainLimits) -> None:
        self.here, self.before, self.state = here, state, state
        self.zone, self.now, self.limits = zone, now, limits
        self.facts: list[Any] = []
        self.letters: list[Letter] = []
        self.timers: dict[str, Timer] = {}
        self.rows: list[Any] = []

    @property
    def definition(self) -> Definition:
        definition = self.state.definition
        assert definition is not None, "only a campaign that was created has turns"
        return definition

    def put(self, fact: Any) -> None:
        self.state = apply(self.state, fact)
        self.facts.append(fact)

    def timer(self, name: str, at: datetime | None, message: Any = None) -> None:
        self.timers[name] = Timer(name, at, message)

    def tell(self, kind: str, **body: Any) -> None:
        self.rows.append(event(self.here, f"campaign.{kind}", self.now, **body))

    def decision(self, reply: Any = None) -> Decision:
        rows = list(self.rows)
        if self.facts and summary(self.here[2], self.state) != summary(self.here[2], self.before):
            rows.append(summary_row(self.here, self.state, self.now))
        return Decision(
            facts=self.facts, letters=self.letters, timers=tuple(self.timers.values()), rows=rows, reply=reply
        )  # fmt: skip

    # -- one station

    def order_id(self, station: str) -> str:
        return f"campaign:{self.here[2]}:{self.target(station).number}"

    def target(self, station: str) -> t.Target:
        """Of a station that is one of them."""
        target = self.state.target(station)
        assert target is not None, station
        return target

    def move(self, station: str, event_: str, detail: str = "") -> bool:
        """False when the table has no such line: it changes nothing."""
        target = self.state.target(station)
        if target is None or t.moved(target, event_, detail, self.now) is None:
            return False
        self.put(f.Moved(station, event_, self.now, detail))
        return True

    def succeed(self, station: str, detail: str) -> None:
        if self.move(station, "succeeded", detail):
            self.timer(target_timer(station), None)
            self.tell("station", station=station, state=t.DONE, detail=detail)

    def fail(self, station: str, detail: str, *, final: bool = False) -> None:
        """Another attempt after a while, where one is left; else it has failed, and that may be one too many."""
        target = self.target(station)
        if not final and target.attempt < self.definition.attempts and self.state.phase != CANCELLING:
            if self.move(station, "set_back", detail):
                at = self.now + timedelta(seconds=self.definition.retry_wait)
                self.timer(target_timer(station), at, m.RetryDue(station, target.number, at))
            return
        if not self.move(station, "failed", detail):
            return
        self.timer(target_timer(station), None)
        self.tell("station", station=station, state=t.FAILED, detail=detail)
        self._watch_budget()

    def _watch_budget(self) -> None:
        budget, total = self.definition.budget, self.state.total
        if budget is None or self.state.phase != RUNNING:
            return
        failed = self.state.counts.get(t.FAILED, 0)
        if failed - self.state.forgiven > budget.allows(total):
            reason = f"{failed} of {total} stations failed; the budget is {budget.allows(total)}"
            self.pause(reason, "budget")

    def unsent(self, station: str) -> None:
        """Its order never went out: it was withdrawn, or the window closed before the station could take it."""
        if (self.state.phase == CANCELLING and self.move(station, "cancelled")) or self.move(station, "unsent"):
            self.timer(target_timer(station), None)

    # -- the whole

    def pause(self, reason: str, who: str) -> None:
        self.put(f.Paused(reason, who, self.now))
        self.tell("paused", reason=reason, who=who)

    def go_on(self) -> None:
        if self.state.phase in (PAUSED, CANCELLING):
            self._withdraw()
        if self.state.phase == CANCELLING and not self.state.active:
            self._end(CANCELLED)
        while self.state.phase == RUNNING and self.state.gathered:
            if self.state.ready(1):
                self._order()
                return
            if not self.state.wave_over:
                return
            self._next_wave()

    def _withdraw(self) -> None:
        """Orders that may still wait at their stations, a slice a turn."""
        if not self.state.counts.get(t.ORDERED, 0):
            return
        ordered = [station for station, target in self.state.everybody() if target.state == t.ORDERED]
        chosen = tuple(ordered[: self.limits.campaign_slice])
        if not chosen:
            return
        for station in chosen:
            withdrawn = OrderWithdrawn(self.order_id(station), tell=True)
            self.letters.append(Letter(station_address(self.here[0], station), withdrawn))
        self.put(f.Withdrawing(chosen, self.now))
        if len(ordered) > len(chosen):
            self.timer(NEXT, self.now, m.Advance())

    def _next_wave(self) -> None:
        if self.state.wave + 1 >= len(self.state.bounds):
            self._end(ENDED)
            return
        pause = self.definition.wave_pause
        self.put(f.WaveBegun(self.state.wave + 1, self.now, self.now + timedelta(seconds=pause) if pause else None))
        self.tell("wave", wave=self.state.wave + 1, waves=len(self.state.bounds), not_before=self.state.not_before)

    def _end(self, phase: str) -> None:
        self.put(f.Ended(phase, self.now))
        self.timer(NEXT, None)
        self.tell(phase, counts={state: count for state, count in self.state.counts.items() if count})

    def _order(self) -> None:
        """The free places, a slice a turn, if the time is right."""
        later = self.state.not_before
        if later is None or later <= self.now:
            later = opening(self.definition.window, self.zone, self.now)
        if later is not None:
            self.timer(NEXT, later, m.Advance())
            return
        room = self.definition.at_once - self.state.active
        chosen = tuple(self.state.ready(max(0, min(room, self.limits.campaign_slice))))
        if not chosen:
            return
        given = self.definition.work
        self.put(f.Ordered(chosen, self.now, work.is_kept(given)))
        deadline = self.now + timedelta(seconds=self.definition.deadline)
        closes = closing(self.definition.window, self.zone, self.now)
        for station in chosen:
            id = self.order_id(station)
            self.letters += work.asked(given, self.here, station, id)
            if not work.is_kept(given):
                order = Order(id, min(deadline, closes or deadline), self.here, work.order_of(given, self.now))
                self.letters.append(Letter(station_address(self.here[0], station), order))
            due = m.AttemptDue(station, self.target(station).number)
            self.timer(target_timer(station), deadline + self.limits.campaign_grace, due)
        if room > len(chosen) and self.state.ready(1):
            self.timer(NEXT, self.now, m.Advance())
