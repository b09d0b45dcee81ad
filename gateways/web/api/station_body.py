"""What a station is registered with, and the checks that a type alone cannot make."""

import re
from typing import Annotated, Any, Literal

import msgspec

from gateways.web import limits
from gateways.web.api.types import known_time_zone
from gateways.web.call import Call
from gateways.web.problems import FieldError, wrong_fields

RESERVED = frozenset(("import", "inbox"))
"""Identities that would collide with routes."""
_identity_form = re.compile(r"[^\x00-\x20\x7f?#]{1,48}").fullmatch

Version = Literal["ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp1.6-S", "ocpp2.0.1", "ocpp2.1"]
Password = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{8,64}$", description="8 to 64 printable ASCII characters")]


class AuthBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`profile` is the OCPP security profile. Without `password` profiles 1 and 2 get a generated one; 3 means a client
    certificate of a CA that the tenant trusts, whose CN is `serial` (the station's serial number, as its last boot told it where
    this is left out) or its identity."""

    profile: Annotated[int, msgspec.Meta(ge=0, le=3)]
    password: Password | None = None
    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] | None = None


class StationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`location` holds the fields of an OCPI location (name, address, city, postal_code, country, coordinates,
    time_zone); `versions` empty: all that the platform speaks; `tariff` is the id of a tariff of the tenant. `merchant` sells
    here and is paid by card; left out, it is the one of the tenant's setting `merchant`, and without either no card can be
    used here."""

    evses: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    location: dict[str, Any] = {}
    auth: AuthBody | None = None
    versions: Annotated[list[Version], msgspec.Meta(max_length=8)] = []
    tariff: str | None = None
    merchant: str | None = None


def identity_problem(station: str) -> str | None:
    if station in RESERVED:
        return f"{station!r} is a word of this API and cannot be a station's identity"
    if not _identity_form(station):
        return "1 to 48 characters without spaces, control characters, ? and #"
    return None


def station_problems(call: Call, body: StationBody) -> list[FieldError]:
    errors = []
    if body.auth is not None and body.auth.profile in (0, 3) and body.auth.password is not None:
        errors.append(FieldError(f"profile {body.auth.profile} has no password", pointer="/auth/password"))
    if body.tariff is not None and call.env.snapshots.tariff(call.own, body.tariff, call.env.now()) is None:
        errors.append(FieldError(f"there is no tariff {body.tariff!r} in force", pointer="/tariff"))
    if body.merchant is not None and call.env.snapshots.merchant(call.own, body.merchant) is None:
        errors.append(FieldError(f"there is no merchant {body.merchant!r}", pointer="/merchant"))
    if len(msgspec.json.encode(body.location)) > limits.LOCATION_BYTES:
        errors.append(FieldError(f"at most {limits.LOCATION_BYTES} bytes as JSON", pointer="/location"))
    zone = body.location.get("time_zone")
    if zone is not None and not (isinstance(zone, str) and known_time_zone(zone)):
        errors.append(FieldError("not a time zone of the IANA database (Europe/Berlin, say)", pointer="/location/time_zone"))
    return errors


def check_station(call: Call, body: StationBody) -> None:
    """Raises Problem naming every wrong field."""
    errors = station_problems(call, body)
    if errors:
        raise wrong_fields(errors)
