"""Charging profiles of a 2.0.1 station (block K): what it holds, what it reports, and what becomes of the power."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator import limits
from gateways.simulator.clock import wire_time
from gateways.simulator.link import Answer
from gateways.simulator.physics.schedule import DEFAULT, EXTERNAL, MAX, TRANSACTION, Profile, composite
from gateways.simulator.profiles import read_profile, told_periods
from gateways.simulator.v201 import transactions

if TYPE_CHECKING:
    from gateways.simulator.v201.memory import Evse
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
_PURPOSES = {
    "ChargingStationMaxProfile": MAX,
    "TxDefaultProfile": DEFAULT,
    "TxProfile": TRANSACTION,
    "ChargingStationExternalConstraints": EXTERNAL,
}


def _refused(reason: str) -> Answer:
    return Answer({"status": "Rejected", "statusInfo": {"reasonCode": reason}})


def _set(station: Station201, payload: Payload) -> Answer:
    evse, profile = int(payload["evseId"]), payload["chargingProfile"]
    reason = objection(station, evse, profile)
    if reason is not None:
        return _refused(reason)
    keep(station, evse, profile)
    return Answer({"status": "Accepted"})


def objection(station: Station201, number: int, profile: Payload) -> str | None:
    """Why this profile cannot be installed (K01), as a reason code."""
    if not 0 <= number <= len(station.connectors):
        return "UnknownEvse"
    purpose, model = profile["chargingProfilePurpose"], station.model
    if profile["stackLevel"] > model.number("SmartChargingCtrlr", "ProfileStackLevel"):
        return "InvalidStackLevel"
    most = model.number("SmartChargingCtrlr", "PeriodsPerSchedule")
    if any(len(schedule["chargingSchedulePeriod"]) > most for schedule in profile["chargingSchedule"]):
        return "InvalidSchedule"
    if purpose == "ChargingStationExternalConstraints" or (purpose == "ChargingStationMaxProfile" and number != 0):
        return "InvalidProfile"
    if purpose == "TxProfile":
        transaction = station.connectors[number - 1].transaction if number else None
        if transaction is None or profile.get("transactionId") not in (None, transaction.id):
            return "TxNotFound"
    new = read(station, number, profile)
    for held, _ in station.profiles.values():
        same = (held.purpose, held.stack, held.evse) == (new.purpose, new.stack, new.evse)
        if held.id != new.id and same and _overlap(held, new):
            return "DuplicateProfile"
    if profile["id"] not in station.profiles and len(station.profiles) >= limits.PROFILES_MOST:
        return "OutOfStorage"
    return None


def _overlap(one: Profile, other: Profile) -> bool:
    starts_late = one.valid_from is not None and other.valid_to is not None and one.valid_from >= other.valid_to
    ends_early = one.valid_to is not None and other.valid_from is not None and one.valid_to <= other.valid_from
    return not (starts_late or ends_early)


def keep(station: Station201, evse: int, profile: Payload) -> None:
    station.profiles[profile["id"]] = (read(station, evse, profile), profile)
    _changed(station)


def _changed(station: Station201) -> None:
    station.apply_limits(station.clock.real())
    station.stir()


def read(station: Station201, evse: int, profile: Payload) -> Profile:
    """The first schedule is the one a station without ISO 15118 follows. Raises KeyError, TypeError, ValueError on what is
    no profile."""
    id, purpose = int(profile["id"]), _PURPOSES[profile["chargingProfilePurpose"]]
    return read_profile(id, purpose, evse, profile, profile["chargingSchedule"][0], station.clock.real())


async def tell_limit(station: Station201, evse: Evse, watts: float | None) -> None:
    """K12, K13: the grid's operator limits an EVSE, or does not any more; a running transaction says that its rate changed."""
    if watts is None:
        await station.say("ClearedChargingLimit", {"chargingLimitSource": "SO", "evseId": evse.id})
    else:
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]}
        limit = {"chargingLimitSource": "SO", "isGridCritical": False}
        await station.say("NotifyChargingLimit", {"chargingLimit": limit, "evseId": evse.id, "chargingSchedule": [schedule]})
    if evse.transaction is not None:
        transactions.event(station, evse, evse.transaction, "Updated", "ChargingRateChanged")


def _clear(station: Station201, payload: Payload) -> Answer:
    """By id, or by criteria of which each one that is given narrows."""
    number, criteria = payload.get("chargingProfileId"), payload.get("chargingProfileCriteria") or {}

    def concerned(held: Profile, profile: Payload) -> bool:
        if number is not None:
            return bool(held.id == number)
        return bool(
            criteria.get("evseId") in (None, held.evse)
            and criteria.get("stackLevel") in (None, held.stack)
            and criteria.get("chargingProfilePurpose") in (None, profile["chargingProfilePurpose"])
        )

    gone = [key for key, (held, profile) in station.profiles.items() if concerned(held, profile)]
    for key in gone:
        del station.profiles[key]
    _changed(station)
    return Answer({"status": "Accepted" if gone else "Unknown"})


def _get(station: Station201, payload: Payload) -> Answer:
    criterion, evse = payload["chargingProfile"], payload.get("evseId")

    def wanted(held: Profile, profile: Payload) -> bool:
        ids, sources = criterion.get("chargingProfileId"), criterion.get("chargingLimitSource")
        return bool(
            evse in (None, held.evse)
            and (ids is None or held.id in ids)
            and (sources is None or "CSO" in sources)
            and criterion.get("stackLevel") in (None, held.stack)
            and criterion.get("chargingProfilePurpose") in (None, profile["chargingProfilePurpose"])
        )

    found: dict[int, list[Payload]] = {}
    for held, profile in station.profiles.values():
        if wanted(held, profile):
            found.setdefault(held.evse, []).append(profile)
    if not found:
        return Answer({"status": "NoProfiles"})
    return Answer({"status": "Accepted"}, partial(_report, station, payload["requestId"], found))


async def _report(station: Station201, request_id: int, found: dict[int, list[Payload]]) -> None:
    """One message an EVSE."""
    for left, (evse, profiles) in zip(range(len(found) - 1, -1, -1), sorted(found.items()), strict=True):
        part = {
            "requestId": request_id,
            "chargingLimitSource": "CSO",
            "evseId": evse,
            "chargingProfile": profiles,
            "tbc": left > 0,
        }
        await station.report("ReportChargingProfiles", part)


def _composite(station: Station201, payload: Payload) -> Answer:
    number, duration = int(payload["evseId"]), int(payload["duration"])
    if not 0 <= number <= len(station.connectors):
        return _refused("UnknownEvse")
    unit = payload.get("chargingRateUnit", "W")
    concerned: list[Evse] = station.connectors if number == 0 else [station.connectors[number - 1]]
    evses = [(evse.id, station.charge(evse), evse.meter.power_w) for evse in concerned]
    periods = told_periods(composite(station.schedule(), evses, station.clock.real(), duration), unit)
    schedule = {
        "evseId": number,
        "duration": duration,
        "scheduleStart": wire_time(station.clock.now()),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": periods,
    }
    return Answer({"status": "Accepted", "schedule": schedule})


COMMANDS: dict[str, Callable[[Station201, Payload], Answer]] = {
    "ClearChargingProfile": _clear,
    "GetChargingProfiles": _get,
    "GetCompositeSchedule": _composite,
    "SetChargingProfile": _set,
}
