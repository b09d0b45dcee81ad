"""The charge detail record: the OCPI 2.2.1 CDR object of one ended and rated session (annex G1, PROTOCOLS 6.4).

Every required field is filled. What the operator has not said of a location (address, coordinates, plug) is filled
with a neutral value rather than left out, since a partner's parser refuses a CDR without it; what is not required is
left out instead. The token appears by its reference, a pseudonym, as `uid` and `contract_id`: whoever must know the
real UID asks the vault. Amounts have up to four decimals, the total is rounded to the currency's minor unit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

from actors.model import ocmf
from actors.model.countries import alpha3
from actors.model.limits import CDR_DECIMALS, MAX_PLAIN_DATA, MAX_SIGNED_VALUES
from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.rating import Rated, RatedLine
from actors.model.rounding import apportion
from actors.model.tariff import Tariff
from actors.model.tariff_221 import as_221
from actors.model.token import IdToken
from actors.model.walk import RatedPeriod

_QUANTUM = Decimal(1).scaleb(-CDR_DECIMALS)
_HOUR = Decimal(3600)
_MICRODEGREE = Decimal("0.000001")
_OUTLET_CHARACTERS = 31
"""Of an eMI3 EVSE id, after its E."""
_ZERO = Decimal(0)
_TIME_DIMENSION = {"charging": "TIME", "withheld": "TIME", "parking": "PARKING_TIME", "reserved": "RESERVATION_TIME"}


class CdrParty(msgspec.Struct, frozen=True):
    """The CPO: ISO 3166 alpha-2 country and party id, from the tenant's settings."""

    country: str
    party: str


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a CDR needs of a session besides its rating. `location`: the station's location object; `auth_method`
    WHITELIST where the station or we decided from a list, AUTH_REQUEST from a request, COMMAND after a remote start."""

    session: str
    station: str
    evse: int
    connector: int
    start: datetime
    end: datetime
    token: IdToken | None
    location: Mapping[str, Any] = {}
    country: str = ""
    auth_method: str = "AUTH_REQUEST"
    meter_serial: str | None = None
    readings: Sequence[Reading] = ()
    anomalies: tuple[str, ...] = ()
    credit_of: str | None = None
    """The id of the CDR that this one credits."""


def party_of(settings: Mapping[str, Any], country: str, tenant: str) -> CdrParty:
    """The tenant's OCPI identity: settings `country_code` and `party_id`; without them its country and the first
    three letters or digits of its id."""
    letters = "".join(c for c in tenant.upper() if c.isascii() and c.isalnum())
    party = str(settings.get("party_id") or (letters + "XXX")[:3]).upper()
    return CdrParty(str(settings.get("country_code") or country or "XX").upper()[:2], party[:3])


def cdr_id(session: str, n: int = 0) -> str:
    """A session's `n`-th CDR: 39 characters at most (CiString(39))."""
    return f"c{session}" if n == 0 else f"c{session}-{n}"


def build_cdr(*, id: str, party: CdrParty, facts: SessionFacts, tariff: Tariff, rated: Rated, at: datetime) -> dict[str, Any]:
    """The CDR object as JSON values. `at`: when it was made (`last_updated`)."""
    body: dict[str, Any] = {
        "country_code": party.country,
        "party_id": party.party,
        "id": id,
        "start_date_time": rfc3339(facts.start),
        "end_date_time": rfc3339(max(facts.start, facts.end)),
        "session_id": facts.session,
        "cdr_token": _token(party, facts.token),
        "auth_method": facts.auth_method,
        "cdr_location": _location(party, facts),
        "currency": rated.cost.excl.currency,
        "tariffs": [as_221(tariff, party.country, party.party, at)],
        "charging_periods": _periods(rated, facts, tariff),
        "total_cost": price(rated.cost),
        "total_energy": number(rated.energy_kwh),
        "total_time": number((rated.charging_s + rated.parking_s) / _HOUR),
        "last_updated": rfc3339(at),
    }
    if facts.meter_serial:
        body["meter_id"] = facts.meter_serial[:255]
    for field, kind in (
        ("total_fixed_cost", "flat"),
        ("total_energy_cost", "energy"),
        ("total_time_cost", "time"),
        ("total_parking_cost", "occupancy"),
        ("total_reservation_cost", "reservation"),
    ):
        lines = [line for line in rated.lines if line.kind == kind]
        if lines:
            body[field] = _sum(lines)
    if rated.parking_s:
        body["total_parking_time"] = number(rated.parking_s / _HOUR)
    signed = signed_data(facts.readings)
    if signed is not None:
        body["signed_data"] = signed
    if facts.anomalies:
        body["remark"] = ("noted: " + ", ".join(facts.anomalies))[:255]
    if facts.credit_of is not None:
        body["credit"] = True
        body["credit_reference_id"] = facts.credit_of
    return body


def credit_cdr(body: Mapping[str, Any], id: str, at: datetime) -> dict[str, Any]:
    """The CDR that takes `body` back: the same delivery, its costs negative (PROTOCOLS 6.4)."""
    found = {**body, "id": id, "last_updated": rfc3339(at), "credit": True, "credit_reference_id": body["id"]}
    for field, value in body.items():
        if field.startswith("total_") and field.endswith("cost"):
            found[field] = {name: -amount for name, amount in value.items()}
    return found


def rfc3339(at: datetime) -> str:
    """OCPI DateTime: UTC with Z, whole seconds or milliseconds, 25 characters at most."""
    utc = at.astimezone(UTC)
    text = utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def number(value: Decimal) -> int | float:
    """A JSON number of at most CDR_DECIMALS decimals."""
    rounded = value.quantize(_QUANTUM, ROUND_HALF_UP)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def price(cost: Cost) -> dict[str, Any]:
    return {"excl_vat": number(cost.excl.major()), "incl_vat": number(cost.incl.major())}


def _sum(lines: Iterable[RatedLine]) -> dict[str, Any]:
    rows = list(lines)
    excl, incl = sum((row.excl for row in rows), _ZERO), sum((row.incl for row in rows), _ZERO)
    return {"excl_vat": number(excl), "incl_vat": number(incl)}


def _token(party: CdrParty, token: IdToken | None) -> dict[str, Any]:
    ref = (token.ref if token is not None else "unknown")[:36]
    kind = "RFID" if token is not None and token.type in ("ISO14443", "ISO15693") else "OTHER"
    if token is None or token.type == "NoAuthorization":
        kind = "AD_HOC_USER"
    return {
        "country_code": party.country,
        "party_id": party.party,
        "uid": ref,
        "type": kind,
        "contract_id": ref,
    }


def _location(party: CdrParty, facts: SessionFacts) -> dict[str, Any]:
    given = facts.location
    coordinates = given.get("coordinates")
    if not isinstance(coordinates, Mapping):
        coordinates = {}
    uid = f"{facts.station}*{facts.evse}"
    found: dict[str, Any] = {
        "id": _text(given, "id", 36, facts.station),
        "address": _text(given, "address", 45, "unknown"),
        "city": _text(given, "city", 45, "unknown"),
        "country": alpha3(_text(given, "country", 3, facts.country)),
        "coordinates": {
            "latitude": _degrees(coordinates.get("latitude"), 90),
            "longitude": _degrees(coordinates.get("longitude"), 180),
        },
        "evse_uid": _of_evse(given, "evse_uid", facts.evse, 36, uid),
        "evse_id": evse_name(given, party, facts.station, facts.evse),
        "connector_id": str(facts.connector),
        "connector_standard": _text(given, "connector_standard", 40, "IEC_62196_T2"),
        "connector_format": _text(given, "connector_format", 10, "SOCKET"),
        "connector_power_type": _text(given, "connector_power_type", 20, "AC_3_PHASE"),
    }
    for field, most in (("name", 255), ("postal_code", 10), ("state", 20)):
        if given.get(field):
            found[field] = str(given[field])[:most]
    return found


def evse_name(location: Mapping[str, Any], party: CdrParty, station: str, evse: int) -> str:
    """The id of an EVSE as people see it: the location's own, else one in the form of eMI3."""
    return _of_evse(location, "evse_id", evse, 48, evse_id(party, station, evse))


def evse_id(party: CdrParty, station: str, evse: int) -> str:
    """In the form of eMI3, for an EVSE that the operator gave none: country, party, E and at most 31 of A-Z, 0-9 and *."""
    tail = f"*{evse}"
    name = re.sub("[^A-Z0-9]+", "*", station.upper()).strip("*") or "X"
    return f"{party.country}*{party.party}*E{name[: _OUTLET_CHARACTERS - len(tail)]}{tail}"


def _degrees(value: Any, most: int) -> str:
    """OCPI GeoLocation wants five to seven decimals: six fit its 10 and 11 characters. 0 for what is no such number."""
    try:
        degrees = Decimal(str(value))
        if isinstance(value, bool) or not degrees.is_finite() or not -most <= degrees <= most:
            raise ValueError(value)
    except (InvalidOperation, ValueError):
        degrees = _ZERO
    return f"{degrees.quantize(_MICRODEGREE, ROUND_HALF_UP):f}"


def _text(given: Mapping[str, Any], field: str, most: int, default: str) -> str:
    value = given.get(field)
    return str(value)[:most] if value not in (None, "") else default[:most]


def _of_evse(given: Mapping[str, Any], field: str, evse: int, most: int, default: str) -> str:
    """A location may name its EVSEs: `{"evse_id": ["DE*ABC*E1", ...]}` by number, or one name for all of them."""
    value = given.get(field)
    if isinstance(value, list):
        value = value[evse - 1] if 0 < evse <= len(value) else None
    return str(value)[:most] if value else default[:most]


def _periods(rated: Rated, facts: SessionFacts, tariff: Tariff) -> list[dict[str, Any]]:
    """Charging periods whose volumes add up to the totals: rounded by largest remainder, not one by one."""
    rows = rated.periods or (RatedPeriod(facts.start, max(facts.start, facts.end), "charging", _ZERO),)
    energies = _split([row.energy_kwh for row in rows])
    hours = _split([Decimal((row.end - row.start).total_seconds()) / _HOUR for row in rows])
    found = []
    for row, energy, hour in zip(rows, energies, hours, strict=True):
        dimensions = []
        if row.energy_kwh:
            dimensions.append({"type": "ENERGY", "volume": energy})
        dimensions.append({"type": _TIME_DIMENSION[row.activity], "volume": hour})
        period: dict[str, Any] = {"start_date_time": rfc3339(row.start), "dimensions": dimensions}
        if tariff.id:
            period["tariff_id"] = tariff.id
        found.append(period)
    return found


def _split(values: list[Decimal]) -> list[int | float]:
    total = sum(values, _ZERO).quantize(_QUANTUM, ROUND_HALF_UP)
    units = int(total.scaleb(CDR_DECIMALS))
    return [number(Decimal(part).scaleb(-CDR_DECIMALS)) for part in apportion(units, values)]


def signed_data(readings: Sequence[Reading]) -> dict[str, Any] | None:
    """The meter's own signed records, byte for byte (PROTOCOLS 2.7): 1.6 carries them as the text of a sample with
    format SignedData, either the record itself or a JSON object around it."""
    values: list[dict[str, Any]] = []
    method = key = None
    for reading in readings:
        for sample in reading.samples:
            if not sample.signed:
                continue
            record = _signed_record(sample.raw)
            method = method or record.get("encodingMethod") or _encoding(sample.raw)
            key = key or record.get("publicKey")
            data = str(record.get("signedMeterData") or sample.raw)[:5000]
            nature = {"Transaction.Begin": "Start", "Transaction.End": "End"}.get(sample.context, "Intermediate")
            values.append({"nature": nature, "plain_data": _plain(sample.raw), "signed_data": data})
    if not values:
        return None
    values = sorted(values, key=lambda v: v["nature"] == "Intermediate")[:MAX_SIGNED_VALUES]
    body: dict[str, Any] = {"encoding_method": str(method or "unknown")[:36], "signed_values": values}
    if key:
        body["public_key"] = str(key)[:512]
    return body


def _plain(raw: str) -> str:
    """What was signed, readable, where it is OCMF and fits; the record itself stands beside it, whole."""
    try:
        payload = ocmf.parse(ocmf.open_signed(raw).text).payload
    except ocmf.BadOcmf:
        return ""
    return payload if len(payload) <= MAX_PLAIN_DATA else ""


def _signed_record(raw: str) -> dict[str, Any]:
    if not raw.lstrip().startswith("{"):
        return {}
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _encoding(raw: str) -> str:
    return "OCMF" if raw.startswith("OCMF|") else "unknown"
