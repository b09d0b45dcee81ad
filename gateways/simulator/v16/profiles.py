"""Charging profiles of a 1.6 station: installed, cleared, and summed up in a composite schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateways.simulator import limits
from gateways.simulator.clock import wire_time
from gateways.simulator.link import Answer
from gateways.simulator.physics.schedule import DEFAULT, MAX, TRANSACTION, Profile, composite
from gateways.simulator.profiles import read_profile, told_periods

if TYPE_CHECKING:
    from gateways.simulator.v16.station import Station16

Payload = dict[str, Any]
_PURPOSES = {"ChargePointMaxProfile": MAX, "TxDefaultProfile": DEFAULT, "TxProfile": TRANSACTION}


def install(station: Station16, payload: Payload) -> Answer:
    number, profile = int(payload["connectorId"]), payload["csChargingProfiles"]
    if not 0 <= number <= len(station.connectors):
        raise ValueError(f"connector {number} does not exist")
    purpose = profile["chargingProfilePurpose"]
    transaction = station.connectors[number - 1].transaction if number else None
    refused = (purpose == "ChargePointMaxProfile" and number != 0) or (
        purpose == "TxProfile" and (transaction is None or profile.get("transactionId") not in (None, transaction.number))
    )
    if refused or len(station.profiles) >= limits.PROFILES_MOST:
        return Answer({"status": "Rejected"})
    keep(station, number, profile)
    return Answer({"status": "Accepted"})


def keep(station: Station16, number: int, profile: Payload) -> None:
    """The same id, or the same purpose and stack level at the same connector, is replaced."""
    kept = read(station, number, profile)
    for held, _ in list(station.profiles.values()):
        if held.id == kept.id or (held.purpose, held.stack, held.evse) == (kept.purpose, kept.stack, kept.evse):
            del station.profiles[held.id]
    station.profiles[kept.id] = (kept, profile)
    _changed(station)


def _changed(station: Station16) -> None:
    station.apply_limits(station.clock.real())
    station.stir()


def read(station: Station16, number: int, profile: Payload) -> Profile:
    """Raises KeyError, TypeError, ValueError on what is no profile."""
    id, purpose = int(profile["chargingProfileId"]), _PURPOSES[profile["chargingProfilePurpose"]]
    return read_profile(id, purpose, number, profile, profile["chargingSchedule"], station.clock.real())


def clear(station: Station16, payload: Payload) -> Answer:
    """An id alone decides; otherwise what is given narrows, and nothing given is all."""

    def concerned(number: int, profile: Payload) -> bool:
        if payload.get("id") is not None:
            return bool(profile["chargingProfileId"] == payload["id"])
        wanted = (
            ("connectorId", number),
            ("chargingProfilePurpose", profile["chargingProfilePurpose"]),
            ("stackLevel", profile["stackLevel"]),
        )
        return all(payload.get(key) in (None, value) for key, value in wanted)

    gone = [key for key, (held, profile) in station.profiles.items() if concerned(held.evse, profile)]
    for key in gone:
        del station.profiles[key]
    _changed(station)
    return Answer({"status": "Accepted" if gone else "Unknown"})


def composite_schedule(station: Station16, payload: Payload) -> Answer:
    number, duration = int(payload["connectorId"]), int(payload["duration"])
    if not 0 <= number <= len(station.connectors):
        return Answer({"status": "Rejected"})
    concerned = station.connectors if number == 0 else [station.connectors[number - 1]]
    real = station.clock.real()
    evses = [(connector.id, station.charge(connector), connector.meter.power_w) for connector in concerned]
    unit = payload.get("chargingRateUnit", "W")
    periods = told_periods(composite(station.schedule(), evses, real, duration), unit)
    schedule = {"duration": duration, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    now = wire_time(station.clock.now())
    return Answer({"status": "Accepted", "connectorId": number, "scheduleStart": now, "chargingSchedule": schedule})
