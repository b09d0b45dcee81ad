"""`csms`, but its station actors crash on demand: `python -m tests.bench.crashing up ...` is a node like any other until a
station reports a register of `CRASH_WH`. The first decision on that message raises, the second one does not.

When it raised is written to the file in $BENCH_CRASHES, in nanoseconds of the clock that all processes of a machine share.
"""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import actors.kinds
from actors.model.decision import Decision
from actors.station.actor import StationActor
from actors.station.messages import TransactionMeter
from actors.station.state import StationState
from config.cli import main

CRASH_WH = 666_666
_crashed: set[str] = set()


class InjectedCrash(RuntimeError):
    """What the bench wants to see survived."""


class CrashingStation(StationActor):
    def decide(self, state: StationState, message: Any, now: datetime) -> Decision:
        if type(message) is TransactionMeter and message.content not in _crashed and _asks_for_it(message):
            _crashed.add(message.content)
            with Path(os.environ["BENCH_CRASHES"]).open("a") as log:
                log.write(f"{self.context.address.id} {time.monotonic_ns()}\n")
            raise InjectedCrash("injected by the bench")
        return super().decide(state, message, now)


def _asks_for_it(meter: TransactionMeter) -> bool:
    return any(sample.value == CRASH_WH for reading in meter.readings for sample in reading.samples)


if __name__ == "__main__":
    actors.kinds.StationActor = CrashingStation  # type: ignore[misc]
    main()
