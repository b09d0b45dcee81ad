"""Activations into few look-ups: what asked for recovery during the last one is the next batch.

A reconnect storm activates ten thousand actors at once; each of them waits here, and a few `store.recover` calls
serve them all. These have connections of their own, so that commits never queue behind them.
"""

from collections import deque
from random import Random
from typing import Any

import outcome
import trio

from runtime.address import Address
from runtime.limits import Limits
from runtime.stats import Stats
from runtime.store import Recovered, Store, StoreAway


class _Request:
    __slots__ = ("address", "claim", "gone", "task")

    def __init__(self, address: Address, claim: bool, task: trio.lowlevel.Task) -> None:
        self.address = address
        self.claim = claim
        self.task = task
        self.gone = False
        """Answered, or its task was cancelled while it waited."""


class Recovery:
    def __init__(self, store: Store, limits: Limits, random: Random, stats: Stats) -> None:
        self._store = store
        self._limits = limits
        self._random = random
        self._stats = stats
        self._queue: deque[_Request] = deque()
        self._idle = trio.lowlevel.ParkingLot()
        self.away = False

    async def recover(self, address: Address, *, claim: bool) -> Recovered:
        """Waits as long as the store is away; raises what else the store raises for this address."""
        request = _Request(address, claim, trio.lowlevel.current_task())

        def abort(_: Any) -> trio.lowlevel.Abort:
            request.gone = True
            return trio.lowlevel.Abort.SUCCEEDED

        self._queue.append(request)
        self._idle.unpark()
        recovered: Recovered = await trio.lowlevel.wait_task_rescheduled(abort)
        return recovered

    async def run(self) -> None:
        """One lane; the node runs `limits.recover_lanes` of them."""
        while True:
            while not self._queue:
                await self._idle.park()
            batch = self._take()
            if not batch:
                continue
            try:
                await self._serve(batch)
            finally:
                self._queue.extendleft(reversed([request for request in batch if not request.gone]))

    def _take(self) -> list[_Request]:
        """The next requests of one kind: claims and mere looks do not mix in one call."""
        batch: list[_Request] = []
        queue = self._queue
        while queue and len(batch) < self._limits.recover_batch:
            if batch and queue[0].claim != batch[0].claim:
                break
            request = queue.popleft()
            if not request.gone:
                batch.append(request)
        return batch

    async def _serve(self, batch: list[_Request]) -> None:
        attempt = 0
        while True:
            try:
                found = await self._store.recover([request.address for request in batch], claim=batch[0].claim)
            except StoreAway:
                self.away = True
                pause = min(self._limits.away_backoff_cap, self._limits.away_backoff * 2.0 ** min(attempt, 20))
                await trio.sleep(pause * (0.5 + 0.5 * self._random.random()))
                attempt += 1
                continue
            except Exception as error:
                if len(batch) > 1:
                    for request in batch:
                        if not request.gone:
                            await self._serve([request])
                else:
                    self._answer(batch[0], outcome.Error(error))
                return
            self.away = False
            self._stats.recover_batches += 1
            for request, recovered in zip(batch, found, strict=True):
                self._answer(request, outcome.Value(recovered))
            return

    def _answer(self, request: _Request, value: "outcome.Outcome[Recovered]") -> None:
        if not request.gone:
            request.gone = True
            trio.lowlevel.reschedule(request.task, value)
