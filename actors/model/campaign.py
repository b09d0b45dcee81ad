"""What a campaign is meant to do: its work, whom it concerns, and how carefully. Values and the arithmetic about them."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from actors.model.matching import Match

_DAY = 24 * 60


class FirmwareWork(msgspec.Struct, frozen=True, omit_defaults=True, tag="firmware", tag_field="kind"):
    """Have firmware downloaded and installed. `version`: what a station says that has it: a boot with it is success, and a
    station that has it before is left alone. With `signing_certificate` (PEM) and `signature` (base64) it is a secure
    update. `retrieve_at` None: at once."""

    location: str
    version: str | None = None
    retrieve_at: datetime | None = None
    install_at: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None
    signing_certificate: str | None = None
    signature: str | None = None


class CertificateWork(msgspec.Struct, frozen=True, omit_defaults=True, tag="certificate", tag_field="kind"):
    """Have a root certificate (PEM) installed; `type`: 2.x InstallCertificateUse."""

    type: str
    certificate: str


class ConfigurationWork(msgspec.Struct, frozen=True, omit_defaults=True, tag="configuration", tag_field="kind"):
    """Have a configuration template; success is that nothing is pending and nothing refused."""

    template: str


class LocalListWork(msgspec.Struct, frozen=True, omit_defaults=True, tag="local_list", tag_field="kind"):
    """Have these tokens (references) as local authorisation list; success is that the station's list is in step."""

    refs: tuple[str, ...]


class RenewalWork(msgspec.Struct, frozen=True, omit_defaults=True, tag="renewal", tag_field="kind"):
    """Have stations ask for new certificates (`type`: ChargingStationCertificate or V2GCertificate); success is that the new
    one was accepted."""

    type: str = "ChargingStationCertificate"


Work = FirmwareWork | CertificateWork | RenewalWork | ConfigurationWork | LocalListWork


class Wave(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many stations, or so many percent of all; neither: all that are left."""

    count: int | None = None
    percent: Decimal | None = None


class Window(msgspec.Struct, frozen=True, gc=False):
    """Times of day in which orders are given, in minutes after midnight; it may reach over midnight."""

    opens: int
    closes: int


class Budget(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Stations that may fail before the campaign pauses: so many, or so many percent of all."""

    count: int | None = None
    percent: Decimal | None = None

    def allows(self, total: int) -> int:
        if self.count is not None:
            return self.count
        return math.floor(total * (self.percent or 0) / 100)


class Definition(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`stations` by name, or `match`. `wave_size`: waves of this size, where `waves` are not given one by one. Times in
    seconds: `wave_pause` between waves, `retry_wait` before another attempt, `deadline` of one attempt."""

    name: str
    work: Work
    stations: tuple[str, ...] = ()
    match: Match | None = None
    waves: tuple[Wave, ...] = ()
    wave_size: int | None = None
    wave_pause: int = 0
    at_once: int = 20
    start_at: datetime | None = None
    window: Window | None = None
    attempts: int = 1
    retry_wait: int = 600
    budget: Budget | None = None
    deadline: int = 24 * 3600


def wave_bounds(definition: Definition, total: int) -> tuple[int, ...]:
    """How many stations are in the first wave, in the first two, and so on; the last is always `total`. No wave is empty."""
    if definition.wave_size is not None:
        return (*range(definition.wave_size, total, definition.wave_size), total) if total else ()
    bounds: list[int] = []
    reached = 0
    for wave in definition.waves:
        if wave.count is not None:
            size = wave.count
        elif wave.percent is not None:
            size = math.ceil(total * wave.percent / 100)
        else:
            size = total
        if min(total, reached + size) > reached:
            reached = min(total, reached + size)
            bounds.append(reached)
    return tuple(bounds) if reached == total else (*bounds, total)


def is_open(window: Window, zone: str, now: datetime) -> bool:
    """The same time twice is the whole day."""
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if window.opens == window.closes:
        return True
    if window.opens < window.closes:
        return window.opens <= minute < window.closes
    return minute >= window.opens or minute < window.closes


def next_time(minute: int, zone: str, now: datetime) -> datetime:
    """When that time of day comes next in the zone, in UTC. A time that the change of clocks leaves out comes when the clocks
    have passed it."""
    local = now.astimezone(ZoneInfo(zone))
    for days in range(3):
        at = (local + timedelta(days=days)).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
        found = at.astimezone(UTC)
        if found > now:
            return found
    return now + timedelta(minutes=_DAY)


def opening(window: Window | None, zone: str, now: datetime) -> datetime | None:
    """When orders may next be given; None: now."""
    if window is None or is_open(window, zone, now):
        return None
    return next_time(window.opens, zone, now)


def closing(window: Window | None, zone: str, now: datetime) -> datetime | None:
    """Until when, while it is open; None: no end."""
    if window is None or window.opens == window.closes:
        return None
    return next_time(window.closes, zone, now)
