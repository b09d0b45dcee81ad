"""Measurands that a station accepted to send and does not send (quirk 25), noticed by what comes."""

from collections.abc import Iterable
from typing import Any

from actors.model.intents import CommandResult
from actors.model.meter import Reading

MESSAGES = 3
"""Messages of a transaction with readings in which everything that was accepted should have come."""
MEASURANDS = 32
_VARIABLES = frozenset({("sampleddatactrlr", "txupdatedmeasurands")})
"""(component, variable) of what a station sends while a transaction runs; 1.6 MeterValuesSampledData is the same."""


def accepted(result: Any) -> frozenset[str] | None:
    """The measurands that an answer to a changed configuration promises; None where it is about something else."""
    if not isinstance(result, CommandResult):
        return None
    for variable in result.variables:
        place = (variable.ref.component.lower(), variable.ref.variable.lower())
        if place in _VARIABLES and variable.status == "Accepted" and variable.value is not None:
            names = [_plain(name) for name in variable.value.split(",")[:MEASURANDS]]
            return frozenset(name for name in names if name)
    return None


def _plain(name: str) -> str:
    """Without a phase: `Current.Import.L1` is Current.Import on L1."""
    stem, _, last = name.strip().rpartition(".")
    return stem if last in ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N") else name.strip()


class Promised:
    """What is still to come. `missing` is empty once everything came."""

    __slots__ = ("_left", "missing")

    def __init__(self, measurands: frozenset[str]) -> None:
        self.missing = set(measurands)
        self._left = MESSAGES

    def saw(self, readings: Iterable[Reading]) -> bool | None:
        """True: all has come; False: it will not; None: one cannot tell yet."""
        for reading in readings:
            for sample in reading.samples:
                self.missing.discard(sample.measurand)
        if not self.missing:
            return True
        self._left -= 1
        return None if self._left else False
