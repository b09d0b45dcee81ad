"""Charging profiles of a 1.6 station: installed, cleared, and summed up in a composite schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateways.simulator import limits
from gateways.simulator.clock import read_time, wire_time
from gateways.simulator.link import Answer
from gateways.simulator.physics.meter import VOLTAGE
from gateways.simulator.physics.schedule import DEFAULT, MAX, TRANSACTION, Profile, composite

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
    schedule = profile["chargingSchedule"]

    def at(text: str | None) -> Any:
        return read_time(text) if text else None

    def watts(period: Payload) -> float:
        limit = float(period["limit"])
        return limit if schedule["chargingRateUnit"] == "W" else limit * VOLTAGE * int(period.get("numberPhases") or 3)

    return Profile(
        id=int(profile["chargingProfileId"]),
        purpose=_PURPOSES[profile["chargingProfilePurpose"]],
        stack=int(profile["stackLevel"]),
        evse=number,
        kind=profile["chargingProfileKind"],
        periods=tuple((float(period["startPeriod"]), watts(period)) for period in schedule["chargingSchedulePeriod"]),
        installed=station.clock.real(),
        start=at(schedule.get("startSchedule")),
        duration=schedule.get("duration"),
        recurrency=profile.get("recurrencyKind"),
        valid_from=at(profile.get("validFrom")),
        valid_to=at(profile.get("validTo")),
        transaction=str(profile["transactionId"]) if profile.get("transactionId") is not None else None,
    )


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
    periods = [
        {"startPeriod": second, "limit": round(watts if unit == "W" else watts / (3 * VOLTAGE), 1)}
        for second, watts in composite(station.schedule(), evses, real, duration)
    ]
    schedule = {"duration": duration, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    now = wire_time(station.clock.now())
    return Answer({"status": "Accepted", "connectorId": number, "scheduleStart": now, "chargingSchedule": schedule})
