"""From an exception to a report, a restart or a cool-down, and for the third time on one message a dead letter.

The budget is the actor's own. What exhausts it cools down and is counted against its parent's escalation budget: when
too many children of one parent gave up, the parent is restarted. A cool-down at the top is only reported: no
actor ever takes the node down.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, Poisoned
from runtime.mailbox import Envelope
from runtime.poison import Poison, dead_letter, fingerprint
from runtime.reports import CrashReport, render_traceback, summary
from runtime.restart import Again, Backoff, Budget, Restarts, add_restart
from runtime.store import DeadLetter, StoreAway

if TYPE_CHECKING:
    from runtime.cell import Cell
    from runtime.system import System


class Crashes(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell remembers of its crashes."""

    count: int
    at: datetime
    error: str
    message_type: str
    traceback: str


class Morgue:
    """Crash handling of a node."""

    def __init__(self, system: "System") -> None:
        limits = system.limits
        self._system = system
        self._poison = Poison(limits)
        self._budget = Budget(limits.restart_budget, limits.restart_window)
        self._backoff = Backoff(limits.restart_backoff, limits.restart_backoff_cap)
        self._escalation = Budget(limits.escalation_budget, limits.escalation_window)
        self._families: dict[Address, Restarts] = {}
        self._buried: set[tuple[Address, Any]] = set()
        """Durable messages that are dead letters but not yet consumed: their next delivery only consumes them."""

    async def crashed(self, cell: "Cell", envelope: Envelope | None, error: Exception, *, fatal: bool) -> float | None:
        """Answers the asker, buries, reports. Returns the delay of the restart, None when the actor must cool down."""
        system = self._system
        limits = system.limits
        system.stats.crashes += 1
        now = system.clock.monotonic()
        detail = summary(error)
        text = render_traceback(error, limits.traceback_frames)
        mark, attempts, buried = "", 0, None
        if envelope is not None:
            mark = fingerprint(cell.address, envelope.slot.origin if envelope.slot is not None else envelope.message)
            attempts = self._poison.crashed(mark, now)
        verdict = add_restart(cell.restarts or Restarts(), now, self._budget, self._backoff, system.random.random())
        cell.restarts = verdict.restarts
        delay = verdict.delay if isinstance(verdict, Again) and not fatal else None
        message_type = type(envelope.message).__qualname__ if envelope is not None else ""
        count = cell.crashes.count + 1 if cell.crashes is not None else 1
        cell.crashes = Crashes(count=count, at=system.clock.now(), error=detail, message_type=message_type, traceback=text)
        if envelope is not None and attempts >= limits.poison_after:
            buried = await self._bury(cell.address, envelope, mark, detail, text)
        if envelope is not None and envelope.slot is not None:
            if buried is not None:
                envelope.slot.fail(Poisoned(cell.address, detail, buried))
            else:
                envelope.slot.fail(ActorCrashed(cell.address, detail, attempts))
        system.report(
            CrashReport(
                address=cell.address, incarnation=cell.number, at=cell.crashes.at, seq=cell.seq, message_type=message_type,
                correlation=envelope.correlation if envelope is not None else "", fingerprint=mark, attempts=attempts,
                error=detail, traceback=text, restart_in=delay, dead_letter=buried,
            )
        )  # fmt: skip
        if delay is None and not fatal:
            self._gave_up(cell, now)
        return delay

    async def _bury(self, address: Address, envelope: Envelope, mark: str, error: str, text: str) -> str | None:
        system = self._system
        dead = dead_letter(
            id=system.new_id(), address=address, at=system.clock.now(), message=envelope.message, mark=mark,
            error=error, traceback=text, correlation=envelope.correlation,
        )  # fmt: skip
        try:
            await self._keep(dead)
        except Exception as raised:
            system.notice("dead_letter_lost", f"{summary(raised)}, while keeping {dead.message_type}", address)
            return None
        self._poison.forget(mark)
        key = envelope.letter or envelope.fired
        if key is not None:
            self._buried.add((address, key))
        return dead.id

    async def _keep(self, dead: DeadLetter) -> None:
        """Waits for the store as long as it is away: nobody is told of a dead letter that is not durable."""
        attempt = 0
        limits = self._system.limits
        while True:
            try:
                await self._system.store.bury(dead)
            except StoreAway:
                await trio.sleep(min(limits.away_backoff_cap, limits.away_backoff * 2.0 ** min(attempt, 20)))
                attempt += 1
            else:
                self._system.stats.dead_letters += 1
                return

    async def bury_unreadable(self, address: Address, envelope: Envelope, error: str) -> None:
        """A letter or timer whose bytes do not decode: kept as they are."""
        system = self._system
        dead = DeadLetter(
            id=system.new_id(), actor=address, at=system.clock.now(), message_type="", body=envelope.message.body,
            fingerprint=fingerprint(address, error), error=error, traceback="", correlation=envelope.correlation,
        )  # fmt: skip
        await self._keep(dead)
        system.notice("unreadable_message", error, address)

    def buried(self, address: Address, envelope: Envelope) -> bool:
        return bool(self._buried) and (address, envelope.letter or envelope.fired) in self._buried

    def rest(self, address: Address, envelope: Envelope) -> None:
        """Its consumption is committed."""
        self._buried.discard((address, envelope.letter or envelope.fired))

    def _gave_up(self, cell: "Cell", now: float) -> None:
        system = self._system
        parent = system.registry.parent(cell.address)
        system.notice("gave_up", f"{cell.address} exhausted its restart budget and cools down", cell.address)
        if parent is None:
            return
        luck = system.random.random()
        verdict = add_restart(self._families.get(parent, Restarts()), now, self._escalation, self._backoff, luck)
        if isinstance(verdict, Again):
            self._families[parent] = verdict.restarts
            return
        self._families.pop(parent, None)
        above = system.registry.cells.get(parent)
        system.notice("escalated", f"too many children of {parent} gave up: it is restarted", parent)
        if above is not None:
            above.order("restart")
