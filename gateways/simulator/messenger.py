"""What leaves a station, and how: messages that are now or never, reports that may wait, and the queue that survives.

The *pump* sends queued transaction messages in order, each until it is acknowledged, as a station's flash does: neither a lost
connection nor a loss of power empties it. The faults of the wire (duplicates, replays, late, slow and overtaking messages) happen
here, by dice of their own.
"""

import itertools
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.faults import strikes
from gateways.simulator.journal import Journal
from gateways.simulator.link import CallError, Line, LinkLost
from gateways.simulator.memory import Pending, StationSettings
from gateways.simulator.stats import Stats

Payload = dict[str, Any]


class Messenger(ABC):
    nursery: trio.Nursery

    def __init__(self, settings: StationSettings, rng: random.Random, stats: Stats, journal: Journal | None) -> None:
        self.settings = settings
        self.dice = random.Random(rng.getrandbits(64))
        """Of what goes wrong on the line: apart, so that faults do not depend on what a driver does meanwhile."""
        self.stats = stats
        self.journal = journal
        self.link: Line | None = None
        self._ids = itertools.count(1)
        self._nonce = f"{rng.getrandbits(32):08x}"
        self._queue: deque[Pending] = deque()
        self._queued = trio.Event()
        self._online = trio.Event()

    @abstractmethod
    def _complete(self, pending: Pending) -> Payload:
        """What leaves, now that it leaves: a queued payload with what only its moment knows."""

    @abstractmethod
    def _settle(self, pending: Pending, result: Payload) -> None:
        """A queued message was acknowledged."""

    def fresh_id(self) -> str:
        return f"{self._nonce}-{next(self._ids)}"

    async def call(self, action: str, payload: Payload, *, link: Line | None = None) -> Payload:
        """A message that is not worth keeping: now or never. Raises LinkLost, CallError."""
        link = link or self.link
        if link is None:
            raise LinkLost("offline")
        return await self._timed_call(link, action, payload, self.fresh_id())

    async def say(self, action: str, payload: Payload) -> Payload:
        """The same, when nothing hangs on it: a failure is counted, and the answer empty."""
        try:
            return await self.call(action, payload)
        except (LinkLost, CallError) as error:
            self.stats.problem("errors", f"{self.settings.identity}: {action}: {error}")
            return {}

    async def report(self, action: str, payload: Payload) -> None:
        """A message whose time may wait: said when there is a line, and again when that was lost before the answer."""
        while True:
            await self.online()
            try:
                await self.call(action, payload)
            except LinkLost:
                await trio.sleep(limits.STAGE_PAUSE)
            except CallError as error:
                self.stats.problem("errors", f"{self.settings.identity}: {action}: {error}")
                return
            else:
                return

    async def _timed_call(
        self, link: Line, action: str, payload: Payload, unique_id: str, copies: int = 1, slow: bool = False
    ) -> Payload:
        if self.journal is not None:
            self.journal.sent(action, payload, unique_id)
        started = trio.current_time()
        result = await link.call(action, payload, unique_id, copies=copies, slow=slow)
        self.stats.latencies.append(trio.current_time() - started)
        self.stats.counts["messages"] += 1
        if self.journal is not None:
            await self.journal.acked(action, payload, unique_id, result)
        return result

    def _enqueue(self, action: str, payload: Payload, transaction: Any) -> Pending:
        pending = Pending(action, payload, transaction, self.fresh_id())
        if len(self._queue) >= limits.QUEUE_MOST:  # what a station with a full memory does: readings go first
            oldest = next((kept for kept in self._queue if self._expendable(kept)), None)
            if oldest is not None:
                self._queue.remove(oldest)
                self.stats.counts["dropped"] += 1
        self._queue.append(pending)
        self._queued.set()
        return pending

    def _expendable(self, pending: Pending) -> bool:
        return pending.action == "MeterValues"

    async def _pump(self) -> None:
        """Send the oldest queued message until it is acknowledged; the next one waits."""
        while True:
            while not self._queue:
                self._queued = trio.Event()
                await self._queued.wait()
            await self._online.wait()
            link = self.link
            if link is None:
                await trio.sleep(0.01)
                continue
            pending = await self._next()
            try:
                result = await self._deliver(link, pending)
            except LinkLost:
                self.stats.counts["retries"] += 1
                await link.closed.wait()
                continue
            except CallError as error:
                self.stats.problem("errors", f"{self.settings.identity}: {pending.action}: {error}")
                pending.refusals += 1
                if pending.refusals < self.settings.message_attempts:
                    await trio.sleep(limits.RETRY_INTERVAL * min(pending.refusals, 5))
                    continue
                self.stats.counts["dropped"] += 1
                result = {}
            if pending in self._queue:
                self._queue.remove(pending)
            self._settle(pending, result)
            pending.done.set()

    async def _next(self) -> Pending:
        """The oldest message, unless the dice let the one after it overtake."""
        first = self._queue[0]
        if first.sent or not strikes(self.dice, self.settings.faults.wrong_order):
            return first
        with trio.move_on_after(limits.OUT_OF_ORDER_WAIT):
            while len(self._queue) < 2:
                self._queued = trio.Event()
                await self._queued.wait()
        if len(self._queue) < 2:
            return first
        self.stats.counts["faults"] += 1
        first.sent = 1  # it has had its chance: the dice are not rolled for it again
        return self._queue[1]

    async def _deliver(self, link: Line, pending: Pending) -> Payload:
        faults, dice = self.settings.faults, self.dice
        payload = self._complete(pending)
        if pending.sent and strikes(dice, 0.5):
            pending.unique_id = self.fresh_id()  # both kinds of stations exist: same id on a retry, and a new one
        pending.sent += 1
        if strikes(dice, faults.late):
            await trio.sleep(dice.uniform(0, 3))
        if strikes(dice, faults.cut):
            self.stats.counts["faults"] += 1
            self.nursery.start_soon(_cut_later, link, dice.uniform(0, 0.02))
        copies = 1
        if strikes(dice, faults.duplicate):
            self.stats.counts["faults"] += 1
            copies = 2
        slow = strikes(dice, faults.slow)
        result = await self._timed_call(link, pending.action, payload, pending.unique_id, copies, slow)
        if strikes(dice, faults.replay):
            self.stats.counts["faults"] += 1
            again = await self._timed_call(link, pending.action, payload, self.fresh_id())
            if again.get("transactionId") != result.get("transactionId"):
                self.stats.problem("contradictions", f"{self.settings.identity}: a replayed start got another number")
        return result

    @property
    def is_online(self) -> bool:
        return self._online.is_set()

    @property
    def queued(self) -> Sequence[Pending]:
        """What is not acknowledged yet, oldest first."""
        return tuple(self._queue)

    async def online(self) -> None:
        """Wait until the boot was accepted."""
        while not self._online.is_set():
            await self._online.wait()

    async def settled(self, pending: Pending | None) -> None:
        """Wait for the acknowledgement, unless the station is offline and would wait for long."""
        if pending is not None and self.is_online:
            await pending.done.wait()

    async def emptied(self) -> None:
        """Wait until everything queued is acknowledged."""
        while self._queue:
            await self._queue[-1].done.wait()


async def _cut_later(link: Line, seconds: float) -> None:
    await trio.sleep(seconds)
    await link.cut("fault: cut")
