"""Charging profiles as both versions write them: into the station's own terms and back. What each calls its own way (ids,
purposes, how many schedules a profile has) is read in the version's module.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from gateways.simulator.clock import read_time
from gateways.simulator.physics.meter import VOLTAGE
from gateways.simulator.physics.schedule import Profile

Payload = dict[str, Any]


def read_profile(id: int, purpose: str, evse: int, profile: Payload, schedule: Payload, installed: datetime) -> Profile:
    """`purpose` is the schedule module's. Raises KeyError, TypeError, ValueError on what is no profile."""
    transaction = profile.get("transactionId")
    return Profile(
        id=id,
        purpose=purpose,
        stack=int(profile["stackLevel"]),
        evse=evse,
        kind=profile["chargingProfileKind"],
        periods=tuple((float(period["startPeriod"]), _watts(period, schedule)) for period in schedule["chargingSchedulePeriod"]),
        installed=installed,
        start=_time(schedule.get("startSchedule")),
        duration=schedule.get("duration"),
        recurrency=profile.get("recurrencyKind"),
        valid_from=_time(profile.get("validFrom")),
        valid_to=_time(profile.get("validTo")),
        transaction=str(transaction) if transaction is not None else None,
    )


def told_periods(composite: Iterable[Sequence[float]], unit: str) -> list[Payload]:
    """A composite schedule, in seconds and W, as chargingSchedulePeriod in `unit` W or A."""
    return [
        {"startPeriod": second, "limit": round(watts if unit == "W" else watts / (3 * VOLTAGE), 1)}
        for second, watts in composite
    ]  # fmt: skip


def _watts(period: Payload, schedule: Payload) -> float:
    limit = float(period["limit"])
    return limit if schedule["chargingRateUnit"] == "W" else limit * VOLTAGE * int(period.get("numberPhases") or 3)


def _time(text: str | None) -> datetime | None:
    return read_time(text) if text else None
