"""OCPI tariffs as values: what costs how much, when.

One shape for OCPI 2.2.1 and 2.3.0 (PROTOCOLS 6.4, annexes G1 and G2). A tariff is a list of elements; each holds
price components and, perhaps, restrictions. Per dimension the first element that matches and has a component of
that dimension is active. `parse_tariff` (tariff_parse.py) makes these values from a JSON body and says what is
wrong with it; `rate` (rating.py) applies them. A parsed tariff carries its `Plan`: the same content sorted by the
questions that rating asks, so that a session's stop does not sort it again.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
import rfc8785

Dimension = Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]
TaxIncluded = Literal["YES", "NO", "N/A"]

RESERVATION = "RESERVATION"
RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class Component(msgspec.Struct, frozen=True):
    """`price` per kWh, per hour or once (FLAT); `vat` in percent; `step_size` in Wh or s, 0 and 1 are exact."""

    type: Dimension
    price: Decimal
    step_size: int
    vat: Decimal | None = None


class Restrictions(msgspec.Struct, frozen=True):
    """When an element applies. Minutes are local minutes of the day; `end_minute` is exclusive and below or equal
    to `start_minute` where the window wraps over midnight. `days`: 0 is Monday."""

    start_minute: int | None = None
    end_minute: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    days: frozenset[int] | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    reservation: str | None = None

    @property
    def clock(self) -> bool:
        """Depends on the local date or time of day."""
        return not (
            self.start_minute is None
            and self.end_minute is None
            and self.start_date is None
            and self.end_date is None
            and self.days is None
        )

    @property
    def running(self) -> bool:
        """Depends on what the session has come to: energy, duration, power, current."""
        return not (
            self.min_kwh is None
            and self.max_kwh is None
            and self.min_current is None
            and self.max_current is None
            and self.min_power is None
            and self.max_power is None
            and self.min_duration is None
            and self.max_duration is None
        )

    @property
    def always(self) -> bool:
        """Keeps nothing out of a charge (or of the reservation that it is about): a least amount of zero is none."""
        least = self.min_kwh, self.min_current, self.min_power, self.min_duration
        most = self.max_kwh, self.max_current, self.max_power, self.max_duration
        return not (self.clock or any(least) or any(bound is not None for bound in most))

    def admits_clock(self, local: datetime) -> bool:
        """Is the local wall clock inside? Dates and weekday are those of `local`, also in a wrapped window."""
        if self.start_date is not None and local.date() < self.start_date:
            return False
        if self.end_date is not None and local.date() >= self.end_date:
            return False
        if self.days is not None and local.weekday() not in self.days:
            return False
        start, end = self.start_minute, self.end_minute
        if start is None and end is None:
            return True
        minute = local.hour * 60 + local.minute
        first, last = start or 0, 24 * 60 if end is None else end
        if first < last:
            return first <= minute < last
        return minute >= first or minute < last


class Element(msgspec.Struct, frozen=True):
    components: tuple[Component, ...]
    restrictions: Restrictions | None = None


class PriceLimit(msgspec.Struct, frozen=True):
    """`incl` is None where the tariff states only the amount before taxes."""

    excl: Decimal
    incl: Decimal | None = None


class Choice(msgspec.Struct, frozen=True):
    """One price component with its element's restrictions: what can be active for a dimension."""

    key: int
    """Position among all components of the tariff."""
    element: int
    component: Component
    restrictions: Restrictions | None
    running: bool
    """Its restrictions look at energy, duration, power or current, not only at the clock."""


class Choices(msgspec.Struct, frozen=True):
    """Per dimension the components in order of the elements."""

    energy: tuple[Choice, ...] = ()
    time: tuple[Choice, ...] = ()
    parking: tuple[Choice, ...] = ()
    flat: tuple[Choice, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """A tariff sorted for rating. `minutes`, `kwh` and `seconds` are where a restriction can change its mind."""

    size: int
    charging: Choices
    reserved: Choices
    expired: Choices
    clock: bool
    dates: bool
    minutes: tuple[int, ...]
    kwh: tuple[Decimal, ...]
    seconds: tuple[int, ...]
    momentary: bool
    """Power or current matters."""

    @property
    def even(self) -> bool:
        """The price is the same whenever within the session the energy flowed and however fast."""
        return not (self.clock or self.kwh or self.seconds or self.momentary)


class Tariff(msgspec.Struct, frozen=True):
    """`body` is the OCPI object as it was given, in plain JSON values; `version` the OCPI version of its shape. `preauthorize`:
    what the tariff itself wants held on a card, in major units (OCPI Payments)."""

    id: str
    currency: str
    elements: tuple[Element, ...]
    plan: Plan
    fingerprint: str
    version: Literal["2.2.1", "2.3.0"]
    tax_included: TaxIncluded
    type: str | None
    min_price: PriceLimit | None
    max_price: PriceLimit | None
    valid_from: datetime | None
    valid_to: datetime | None
    body: dict[str, Any]
    preauthorize: Decimal | None = None


def applicable(elements: Sequence[Element]) -> Iterator[tuple[int, Element, Component]]:
    """The components that a session can come to, with their positions: none behind one of its kind that always applies."""
    covered: set[tuple[str, str | None]] = set()
    pairs = [(element, component) for element in elements for component in element.components]
    for rank, (element, component) in enumerate(pairs):
        limits = element.restrictions or Restrictions()
        kind = component.type, limits.reservation
        if kind in covered:
            continue
        if limits.always:
            covered.add(kind)
        yield rank, element, component


def plan_of(elements: tuple[Element, ...]) -> Plan:
    """Sort the elements by what rating asks. Elements with `reservation` price FLAT and TIME of a reservation
    only; all others price the charge only (PROTOCOLS 6.4)."""
    pairs = [(index, component) for index, element in enumerate(elements) for component in element.components]
    everyone: list[Choice] = []
    for key, (index, component) in enumerate(pairs):
        restrictions = elements[index].restrictions
        everyone.append(Choice(key, index, component, restrictions, restrictions is not None and restrictions.running))
    limits = [element.restrictions for element in elements if element.restrictions is not None]
    minutes = {m for r in limits for m in (r.start_minute, r.end_minute) if m is not None}
    clock = any(r.clock for r in limits)
    return Plan(
        size=len(everyone),
        charging=_choices(everyone, None),
        reserved=_choices(everyone, RESERVATION),
        expired=_choices(everyone, RESERVATION_EXPIRES),
        clock=clock,
        dates=any(r.start_date is not None or r.end_date is not None for r in limits),
        minutes=tuple(sorted({m % (24 * 60) for m in minutes} | {0})) if clock else (),
        kwh=tuple(sorted({k for r in limits for k in (r.min_kwh, r.max_kwh) if k})),
        seconds=tuple(sorted({s for r in limits for s in (r.min_duration, r.max_duration) if s})),
        momentary=any(bound is not None for r in limits for bound in (r.min_power, r.max_power, r.min_current, r.max_current)),
    )


def _choices(everyone: list[Choice], reservation: str | None) -> Choices:
    mine = [c for c in everyone if (c.restrictions.reservation if c.restrictions else None) == reservation]

    def of(dimension: str) -> tuple[Choice, ...]:
        return tuple(c for c in mine if c.component.type == dimension)

    if reservation is not None:
        return Choices(time=of("TIME"), flat=of("FLAT"))
    return Choices(of("ENERGY"), of("TIME"), of("PARKING_TIME"), of("FLAT"))


def fingerprint(body: dict[str, Any]) -> str:
    """The identity of a tariff's content: SHA-256 of its canonical JSON (RFC 8785), without `last_updated`, so that
    putting the same tariff again makes no new version. 32 hex digits."""
    content = {key: plain(value) for key, value in body.items() if key != "last_updated"}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()[:32]


def has_ended(body: dict[str, Any], at: datetime) -> bool:
    """Is `at` past the body's `end_date_time` (exclusive)? Looked at without parsing the whole tariff."""
    written = body.get("end_date_time")
    if not isinstance(written, str):
        return False
    end = datetime.fromisoformat(written)
    return at >= (end if end.tzinfo is not None else end.replace(tzinfo=UTC))


def plain(value: Any) -> Any:
    """JSON values only: a Decimal becomes the float that the same JSON text would have been."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
