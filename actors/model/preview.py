"""What a described session would cost, line by line: the answer of POST tariffs/{id}/preview.

The description is JSON (all optional): `start` (RFC 3339, or local `HH:MM` with an optional weekday: `MONDAY 09:30`),
`time_zone`, and either one stretch (`energy_wh` or `energy_kwh`, `charging_s`, `parking_s`, `power_w` or `power_kw`,
`current_a`) or `periods`, a list of such stretches in order, each with `activity` (charging, withheld, parking).
`end` instead of `charging_s`: what is not parked until then is charged. `reservation_s` before it,
`reservation_expired` instead of it. `started_at` and `ended_at` are understood as in a session. What is not
understood is named in the answer's `ignored`. It is priced by `rate`, the same as a bill.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.model.limits import MAX_PREVIEW_PERIODS, MAX_RATED_SPAN
from actors.model.money import Cost, Money
from actors.model.rating import Rated, RatedLine, UsageError, rate
from actors.model.tariff import Tariff
from actors.model.tariff_parse import Problem, TariffError
from actors.model.usage import Activity, Usage, UsagePeriod

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_ACTIVITIES = ("charging", "withheld", "parking")
_A_MONDAY = date(2026, 1, 5)
_STRETCH = frozenset(
    ("energy_wh", "energy_kwh", "power_w", "power_kw", "current_a", "activity", "charging_s", "duration_s", "parking_s")
)
_SESSION = _STRETCH | frozenset(
    ("start", "started_at", "start_local", "end", "ended_at", "time_zone", "periods", "reservation_s", "reservation_expired")
)
_HOUR_S = Decimal(3600)
_KILO = Decimal(1000)
_MOST = Decimal(10**9)


class PreviewError(TariffError):
    """A description that cannot be read: `problems` as in TariffError."""


def preview(tariff: Tariff, session: Any, *, time_zone: str = "UTC") -> dict[str, Any]:
    """The price of the described session as JSON values. `time_zone`: the tenant's, where the description names none.

    Raises PreviewError naming every wrong field.
    """
    usage, zone = described(session, time_zone)
    try:
        rated = rate(tariff, usage, time_zone=zone)
    except UsageError as error:
        raise PreviewError([Problem("", str(error))]) from None
    return {**as_json(rated, tariff), "ignored": sorted(str(field) for field in session if field not in _SESSION)}


def as_json(rated: Rated, tariff: Tariff) -> dict[str, Any]:
    """A rating as the API shows it: the cost, and each line in the order in which it came to be due."""
    excl = sum((line.excl for line in rated.lines), Decimal(0))
    incl = sum((line.incl for line in rated.lines), Decimal(0))
    return {
        "tariff": rated.tariff,
        "fingerprint": rated.fingerprint,
        "currency": tariff.currency,
        "tax_included": tariff.tax_included,
        "cost": cost_json(rated.cost),
        "limit": rated.limit,
        "subtotal": {"excl": _amount(excl), "incl": _amount(incl)},
        "lines": [_line(line) for line in rated.lines],
        "periods": [
            {
                "start": period.start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "end": period.end.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "activity": period.activity,
                "energy_wh": _amount(period.energy_kwh * _KILO),
            }
            for period in rated.periods
        ],
        "energy_wh": _amount(rated.energy_kwh * _KILO),
        "charging_s": _amount(rated.charging_s),
        "parking_s": _amount(rated.parking_s),
        "reserved_s": _amount(rated.reserved_s),
    }


def cost_json(cost: Cost) -> dict[str, Any]:
    """CONTRACT's cost: `{"excl": money, "incl": money, "vat": [{rate, amount}]}`."""
    return {
        "excl": _money(cost.excl),
        "incl": _money(cost.incl),
        "vat": [{"rate": _amount(vat.rate), "amount": _money(vat.amount)} for vat in cost.vat],
    }


def _money(money: Money) -> dict[str, Any]:
    return {"amount_minor": money.amount_minor, "currency": money.currency}


def _line(line: RatedLine) -> dict[str, Any]:
    return {
        "element": line.element,
        "dimension": line.dimension,
        "kind": line.kind,
        "volume": _amount(line.volume),
        "billed": _amount(line.billed),
        "unit": line.unit,
        "price": _amount(line.price),
        "vat": None if line.vat is None else _amount(line.vat),
        "excl": _amount(line.excl),
        "incl": _amount(line.incl),
    }


def _amount(value: Decimal) -> int | float:
    """An exact amount as a JSON number with at most six decimals."""
    rounded = round(value, 6)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


# -- reading the description --------------------------------------------------------------------------------------


class _Fields:
    """Reads numbers of one JSON object, collecting problems."""

    def __init__(self, value: Any, pointer: str, problems: list[Problem]) -> None:
        self.pointer, self.problems = pointer, problems
        self.fields: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping):
            self.wrong("", "must be an object")

    def wrong(self, field: str, detail: str) -> None:
        self.problems.append(Problem(f"{self.pointer}/{field}" if field else self.pointer, detail))

    def number(self, field: str) -> Decimal | None:
        value = self.fields.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self.wrong(field, "must be a number")
            return None
        found = Decimal(repr(value) if isinstance(value, float) else value)
        if not found.is_finite() or not 0 <= found <= _MOST:
            self.wrong(field, f"must be between 0 and {_MOST}")
            return None
        return found

    def either(self, *fields: str) -> Any:
        """The first of the synonyms that is given."""
        return next((self.fields[field] for field in fields if self.fields.get(field) is not None), None)

    def scaled(self, base: str, kilo: str) -> Decimal | None:
        """In thousands, from either field."""
        found = self.number(base)
        return self.number(kilo) if found is None else found / _KILO

    def span(self, field: str) -> timedelta:
        seconds = self.number(field)
        if seconds is not None and seconds > int(MAX_RATED_SPAN.total_seconds()):
            self.wrong(field, f"must be at most {MAX_RATED_SPAN.days} days")
            return timedelta()
        return timedelta(microseconds=int((seconds or 0) * 1_000_000))


def described(session: Any, time_zone: str) -> tuple[Usage, str]:
    """The usage that a description means, and the time zone it is in. Raises PreviewError."""
    problems: list[Problem] = []
    read = _Fields(session, "", problems)
    zone_name, zone = _zone(read, time_zone)
    at = _start(read, zone)
    periods: list[UsagePeriod] = []
    reserved = read.span("reservation_s")
    if reserved:
        periods.append(UsagePeriod(at, at + reserved, activity="reserved"))
        at += reserved
    expired = read.fields.get("reservation_expired") is True
    if expired and not reserved:
        read.wrong("reservation_s", "is required with reservation_expired")
    if not expired:
        length = _end(read, zone, at) if read.fields.get("periods") is None else None
        for stretch in _stretches(read):
            at = _add(periods, stretch, at, length)
    if problems:
        raise PreviewError(problems)
    return Usage(tuple(periods), reservation_expired=expired), zone_name


def _stretches(read: _Fields) -> list[_Fields]:
    rows = read.fields.get("periods")
    if rows is None:
        return [read]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_PREVIEW_PERIODS:
        read.wrong("periods", f"must be a list of 1 to {MAX_PREVIEW_PERIODS} objects")
        return []
    return [_Fields(row, f"/periods/{n}", read.problems) for n, row in enumerate(rows)]


def _add(periods: list[UsagePeriod], read: _Fields, at: datetime, length: timedelta | None) -> datetime:
    """One stretch: what was charged, then what was parked. Without a duration it lasts until the described end, or
    as long as its energy takes at its power, or no time at all."""
    energy = read.scaled("energy_wh", "energy_kwh") or Decimal(0)
    power, current = read.scaled("power_w", "power_kw"), read.number("current_a")
    activity = read.fields.get("activity", "charging")
    if activity not in _ACTIVITIES:
        read.wrong("activity", f"must be one of {', '.join(_ACTIVITIES)}")
        activity = "charging"
    charging = read.span("charging_s") or read.span("duration_s")
    parking = read.span("parking_s")
    if not charging and length is not None:
        charging = max(timedelta(), length - parking)
    elif not charging and energy and power:
        hours = min(energy / power, Decimal(24 * MAX_RATED_SPAN.days))
        charging = timedelta(microseconds=int(hours * _HOUR_S * 1_000_000))
    if charging or energy or not parking:
        periods.append(UsagePeriod(at, at + charging, energy, cast(Activity, activity), power, current))
        at += charging
    if parking:
        periods.append(UsagePeriod(at, at + parking, activity="parking"))
        at += parking
    return at


def _zone(read: _Fields, default: str) -> tuple[str, ZoneInfo]:
    name = read.fields.get("time_zone", default)
    try:
        return str(name), ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        read.wrong("time_zone", "must be an IANA time zone such as Europe/Berlin")
        return "UTC", ZoneInfo("UTC")


def _start(read: _Fields, zone: ZoneInfo) -> datetime:
    """RFC 3339, or a local time of day on a given weekday (a plain Monday without one)."""
    value = read.either("start", "started_at", "start_local")
    noon = datetime.combine(_A_MONDAY, time(12), zone).astimezone(UTC)
    if value is None:
        return noon
    if isinstance(value, str):
        day, _, clock = value.strip().rpartition(" ")
        try:
            if len(clock) == 5 and (day == "" or day.upper() in _DAYS):
                on = _A_MONDAY + timedelta(days=_DAYS.index(day.upper()) if day else 0)
                return datetime.combine(on, time.fromisoformat(clock), zone).astimezone(UTC)
            moment = datetime.fromisoformat(value)
            return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    read.wrong("start", "must be RFC 3339, or a local time such as 09:30 or MONDAY 09:30")
    return noon


def _end(read: _Fields, zone: ZoneInfo, start: datetime) -> timedelta | None:
    """How long after `start` the described `end` is."""
    value = read.either("end", "ended_at")
    if value is None:
        return None
    try:
        end = datetime.fromisoformat(value)
        span = (end.replace(tzinfo=zone) if end.tzinfo is None else end) - start
    except (TypeError, ValueError, OverflowError):
        read.wrong("end", "must be RFC 3339")
        return None
    if not timedelta() <= span <= MAX_RATED_SPAN:
        read.wrong("end", f"must be after the start, and at most {MAX_RATED_SPAN.days} days")
        return None
    return span
