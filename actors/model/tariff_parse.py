"""From a JSON body to a Tariff, or to the full list of what is wrong with it.

Accepts the tariff objects of OCPI 2.2.1 and 2.3.0 (annexes G1, G2); the version is told from the shape. What the
platform knows better than the caller may be left out (`country_code`, `party_id`, `id`, `last_updated`). Unknown
fields are tolerated, as OCPI 2.3.0 demands; a wrong value of a known one never is: money hangs on it.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec

from actors.model.limits import MAX_AMOUNT, MAX_COMPONENTS, MAX_ELEMENTS, MAX_PRICE, MAX_PROBLEMS, MAX_TEXT, TARIFF_CACHE
from actors.model.tariff import (
    RESERVATION,
    RESERVATION_EXPIRES,
    Component,
    Dimension,
    Element,
    PriceLimit,
    Restrictions,
    Tariff,
    TaxIncluded,
    fingerprint,
    plain,
    plan_of,
)

_DIMENSIONS = ("ENERGY", "FLAT", "PARKING_TIME", "TIME")
_TYPES = ("AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR")
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_MISSING = object()

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """`pointer` is a JSON pointer (RFC 6901) into the body; `detail` says what is wrong and what would be right."""

    pointer: str
    detail: str


class TariffError(ValueError):
    """A body that is not a tariff. `problems` names every wrong field (up to MAX_PROBLEMS), not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)[:MAX_PROBLEMS]
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in self.problems))


class _Reader:
    """Reads one JSON object, collecting problems instead of raising."""

    def __init__(self, value: Any, pointer: str, problems: list[Problem]) -> None:
        self.pointer = pointer
        self.problems = problems
        self.fields: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            problems.append(Problem(pointer, f"must be an object, not {_kind(value)}"))

    def wrong(self, field: str, detail: str) -> None:
        self.problems.append(Problem(f"{self.pointer}/{field}", detail))

    def take(self, field: str, required: bool) -> Any:
        value = self.fields.get(field)
        if value is None:
            if required:
                self.wrong(field, "is required")
            return _MISSING
        return value

    def text(self, field: str, most: int, *, required: bool = False, least: int = 1) -> str | None:
        value = self.take(field, required)
        if value is _MISSING:
            return None
        if not isinstance(value, str) or not least <= len(value) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self.wrong(field, f"must be a text of {wanted} characters, not {_kind(value)}")
            return None
        return value

    def word(self, field: str, words: tuple[str, ...], *, required: bool = False) -> str | None:
        value = self.take(field, required)
        if value is _MISSING:
            return None
        if value not in words:
            self.wrong(field, f"must be one of {', '.join(words)}, not {_kind(value)}")
            return None
        return cast(str, value)

    def number(
        self, field: str, *, required: bool = False, least: Decimal = Decimal(0), most: Decimal = MAX_AMOUNT
    ) -> Decimal | None:
        value = self.take(field, required)
        if value is _MISSING:
            return None
        found = _decimal(value)
        if found is None:
            self.wrong(field, f"must be a number, not {_kind(value)}")
        elif not least <= found <= most:
            self.wrong(field, f"must be between {least} and {most}, not {_kind(value)}")
        else:
            return found
        return None

    def integer(self, field: str, *, required: bool = False) -> int | None:
        found = self.number(field, required=required)
        if found is not None and found != found.to_integral_value():
            self.wrong(field, f"must be a whole number, not {_kind(self.fields[field])}")
            return None
        return None if found is None else int(found)

    def moment(self, field: str) -> datetime | None:
        value = self.take(field, False)
        if value is _MISSING:
            return None
        found: datetime | None = None
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                found = None
        if found is None:
            self.wrong(field, f"must be an RFC 3339 date and time such as 2026-01-31T12:00:00Z, not {_kind(value)}")
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def items(self, field: str, read: Callable[["_Reader"], T], most: int) -> tuple[T, ...]:
        value = self.take(field, True)
        if value is _MISSING:
            return ()
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            found = f"{len(value)}" if isinstance(value, list) else _kind(value)
            self.wrong(field, f"must be a list of 1 to {most} objects, not {found}")
            return ()
        return tuple(read(_Reader(item, f"{self.pointer}/{field}/{n}", self.problems)) for n, item in enumerate(value))


def parse_tariff(body: Any, *, currency: str | None = None) -> Tariff:
    """The tariff that `body` (an OCPI 2.2.1 or 2.3.0 object, numbers as int, float or Decimal) describes.

    `currency`: the tenant's, when the tariff must be in it. Raises TariffError naming every wrong field.
    """
    problems: list[Problem] = []
    read = _Reader(body, "", problems)
    if problems:
        raise TariffError(problems)
    newer = "tax_included" in body or any(
        isinstance(body.get(field), dict) and "before_taxes" in body[field] for field in ("min_price", "max_price")
    )
    for field, most in (("country_code", 2), ("party_id", 3)):
        read.text(field, most, least=most)
    money = _currency(read, currency)
    elements = read.items("elements", _element, MAX_ELEMENTS)
    low, high = _limit(read, "min_price", newer), _limit(read, "max_price", newer)
    _check_limits(read, low, high)
    valid_from, valid_to = read.moment("start_date_time"), read.moment("end_date_time")
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        read.wrong("end_date_time", "must be after start_date_time")
    tax = read.word("tax_included", ("YES", "NO", "N/A"), required=newer)
    kind, identity = read.word("type", _TYPES), read.text("id", 36)
    preauthorize = read.number("preauthorize_amount")
    read.moment("last_updated")
    read.text("tariff_alt_url", 255)
    if body.get("tariff_alt_text") is not None and body["tariff_alt_text"] != []:
        read.items("tariff_alt_text", _display_text, MAX_ELEMENTS)
    if problems:
        raise TariffError(problems)
    return Tariff(
        id=identity or "",
        currency=money,
        elements=elements,
        plan=plan_of(elements),
        fingerprint=fingerprint(body),
        version="2.3.0" if newer else "2.2.1",
        tax_included=cast(TaxIncluded, tax or "NO"),
        type=kind,
        min_price=low,
        max_price=high,
        valid_from=valid_from,
        valid_to=valid_to,
        body=plain(body),
        preauthorize=preauthorize,
    )


def _currency(read: _Reader, wanted: str | None) -> str:
    money = read.text("currency", 3, least=3, required=True)
    if money is None:
        return ""
    if not (money.isascii() and money.isalpha() and money.isupper()):
        read.wrong("currency", f"must be an ISO 4217 code such as EUR, not {money!r}")
    elif wanted is not None and money != wanted:
        read.wrong("currency", f"must be the tenant's currency {wanted}, not {money}")
    return money


def _element(read: _Reader) -> Element:
    components = read.items("price_components", _component, MAX_COMPONENTS)
    restrictions: Restrictions | None = None
    if read.fields.get("restrictions") is not None:
        inner = _Reader(read.fields["restrictions"], f"{read.pointer}/restrictions", read.problems)
        restrictions = _restrictions(inner)
        if restrictions.reservation is not None:
            for n, component in enumerate(components):
                if component.type not in ("FLAT", "TIME"):
                    read.wrong(f"price_components/{n}/type", "must be FLAT or TIME where reservations are priced")
    return Element(components, restrictions)


def _component(read: _Reader) -> Component:
    return Component(
        type=cast(Dimension, read.word("type", _DIMENSIONS, required=True) or "FLAT"),
        price=read.number("price", required=True, most=MAX_PRICE) or Decimal(0),
        step_size=read.integer("step_size", required=True) or 0,
        vat=read.number("vat", most=Decimal(100)),
    )


def _restrictions(read: _Reader) -> Restrictions:
    found = Restrictions(
        start_minute=_minute(read, "start_time"),
        end_minute=_minute(read, "end_time"),
        start_date=_date(read, "start_date"),
        end_date=_date(read, "end_date"),
        days=_days(read),
        min_kwh=read.number("min_kwh"),
        max_kwh=read.number("max_kwh"),
        min_current=read.number("min_current"),
        max_current=read.number("max_current"),
        min_power=read.number("min_power"),
        max_power=read.number("max_power"),
        min_duration=read.integer("min_duration"),
        max_duration=read.integer("max_duration"),
        reservation=read.word("reservation", (RESERVATION, RESERVATION_EXPIRES)),
    )
    for what, low, high in (
        ("kwh", found.min_kwh, found.max_kwh),
        ("current", found.min_current, found.max_current),
        ("power", found.min_power, found.max_power),
        ("duration", found.min_duration, found.max_duration),
    ):
        if low is not None and high is not None and low >= high:
            read.wrong(f"max_{what}", f"must be above min_{what} ({low}), or the element never applies")
    if found.start_date is not None and found.end_date is not None and found.end_date <= found.start_date:
        read.wrong("end_date", "is exclusive and must be after start_date, or the element never applies")
    return found


def _minute(read: _Reader, field: str) -> int | None:
    text = read.text(field, 5, least=5)
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else None
    if minute is None or minute > 24 * 60 or (minute == 24 * 60 and field == "start_time"):
        read.wrong(field, f"must be a local time HH:MM (24 hours), not {text!r}")
        return None
    # 00:00 as an end is the end of the day, not its beginning (PROTOCOLS 6.4).
    return 24 * 60 if minute == 0 and field == "end_time" else minute


def _date(read: _Reader, field: str) -> date | None:
    text = read.text(field, 10, least=10)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        read.wrong(field, f"must be a local date YYYY-MM-DD, not {text!r}")
        return None


def _days(read: _Reader) -> frozenset[int] | None:
    value = read.fields.get("day_of_week")
    if value is None or value == []:
        return None
    if not isinstance(value, list) or any(day not in _DAYS for day in value):
        read.wrong("day_of_week", f"must be a list of {', '.join(_DAYS)}")
        return None
    return frozenset(_DAYS.index(day) for day in value)


def _limit(read: _Reader, field: str, newer: bool) -> PriceLimit | None:
    if read.fields.get(field) is None:
        return None
    inner = _Reader(read.fields[field], f"{read.pointer}/{field}", read.problems)
    before, after = ("before_taxes", "after_taxes") if newer else ("excl_vat", "incl_vat")
    excl, incl = inner.number(before, required=True), inner.number(after)
    if excl is None:
        return None
    if incl is not None and incl < excl:
        inner.wrong(after, f"must not be below {before} ({excl})")
    return PriceLimit(excl, incl)


def _check_limits(read: _Reader, low: PriceLimit | None, high: PriceLimit | None) -> None:
    if low is None or high is None:
        return
    both = low.incl is not None and high.incl is not None
    if low.excl > high.excl or (both and cast(Decimal, low.incl) > cast(Decimal, high.incl)):
        read.wrong("max_price", "must not be below min_price")


def _display_text(read: _Reader) -> None:
    read.text("language", 2, least=2, required=True)
    read.text("text", MAX_TEXT, required=True)


def _decimal(value: Any) -> Decimal | None:
    """A JSON number exactly as it was written: 0.1 is one tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    found = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    return found if found.is_finite() else None


def _kind(value: Any) -> str:
    """A value as an error message shows it: short, and never a whole document."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


_cache: OrderedDict[str, Tariff] = OrderedDict()


def tariff_of(version: str, body: dict[str, Any]) -> Tariff:
    """The parsed tariff of a stored version, from memory where it was met before. `version`, its fingerprint, is trusted: it
    names content that was validated when it was put. Raises TariffError for a body that is none."""
    known = _cache.get(version)
    if known is None:
        known = _cache[version] = parse_tariff(body)
        if len(_cache) > TARIFF_CACHE:
            _cache.popitem(last=False)
    return known
