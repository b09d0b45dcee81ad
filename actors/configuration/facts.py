"""What is remembered of a station's configuration. No secret is ever in one. Golden files: tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.campaign.watching import Watcher
from actors.configuration.messages import Value
from actors.model.settings import Setting


class Assigned(msgspec.Struct, frozen=True, gc=False, tag="assigned"):
    """`source`: hand, campaign, or match."""

    template: str
    source: str
    who: str
    at: datetime


class Unassigned(msgspec.Struct, frozen=True, gc=False, tag="unassigned"):
    """It has none. `who`: an operator, `match` (it fits no longer), or `gone` (the template, or the station)."""

    who: str
    at: datetime


class TemplateTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="template_told"):
    template: str
    version: int
    enforce: str
    settings: tuple[Setting, ...]
    at: datetime


class BootTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="boot_told"):
    """`changed`: other firmware, so what it refused before may be asked again."""

    protocol: str
    at: datetime
    changed: bool = False


class RoundBegun(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="round_begun"):
    """All values are read, `items` in one message, and compared; `sets`: what differs is set, `anew`: even what the station
    has refused."""

    sets: bool
    items: int
    at: datetime
    anew: bool = False


class Asked(msgspec.Struct, frozen=True, gc=False, tag="asked"):
    """The station was ordered to tell or to set these. `purpose`: read or set."""

    order: str
    purpose: str
    keys: tuple[str, ...]
    at: datetime


class Answered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="answered"):
    """What it said of them. Of a set the value is what it was set to."""

    order: str
    values: tuple[Value, ...]
    at: datetime


class Unanswered(msgspec.Struct, frozen=True, gc=False, tag="unanswered"):
    """`again`: it is tried once more; else it waits for the next boot, or for somebody. `one_by_one`: the station did not like
    several at once."""

    order: str
    reason: str
    again: bool
    one_by_one: bool
    at: datetime


class Seen(msgspec.Struct, frozen=True, gc=False, tag="seen"):
    """Values that others set or read."""

    values: tuple[Value, ...]
    at: datetime


class RoundEnded(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="round_ended"):
    """`again`: something happened meanwhile that asks for another."""

    at: datetime
    again: bool = False


class Repeat(msgspec.Struct, frozen=True, gc=False, tag="repeat"):
    """Once this round is over, another is due."""

    sets: bool
    at: datetime


class Watched(msgspec.Struct, frozen=True, gc=False, tag="watched"):
    watcher: Watcher


class WatchersTold(msgspec.Struct, frozen=True, gc=False, tag="watchers_told"):
    at: datetime


ConfigurationFact = (
    Assigned | Unassigned | TemplateTold | BootTold | RoundBegun | Asked | Answered | Unanswered | Seen | RoundEnded | Repeat
    | Watched | WatchersTold
)  # fmt: skip
