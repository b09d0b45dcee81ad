"""What a configuration template is told and asked."""

import msgspec

from actors.model.matching import Match
from actors.model.settings import Setting

ENFORCE = ("boot", "report only")


class Put(msgspec.Struct, frozen=True, gc=False):
    """Make it, or replace what it says: its stations hear of that by themselves. `match`: stations that are given it when they
    boot; `enforce`: what differs is set at a boot, or only shown. Reply: PutDone or Refused."""

    name: str
    settings: tuple[Setting, ...]
    enforce: str
    who: str
    match: Match | None = None


class PutDone(msgspec.Struct, frozen=True, gc=False):
    version: int
    created: bool


class Delete(msgspec.Struct, frozen=True, gc=False):
    """Its stations are without one then; what was set stays set. Reply: Done or Refused (unknown)."""

    who: str


class Look(msgspec.Struct, frozen=True, gc=False):
    """Reply: the template as rows.view has it, or Refused (unknown)."""


class LookStations(msgspec.Struct, frozen=True, gc=False):
    """Reply: names in order, `limit` at most, those after `after`; or Refused."""

    limit: int
    after: str = ""


class Joined(msgspec.Struct, frozen=True, gc=False, tag="joined"):
    """Letter from a station's keeper of its configuration: it has this template now, tell it what it says."""

    station: str


class Left(msgspec.Struct, frozen=True, gc=False, tag="left"):
    """Letter: it has it no more."""

    station: str


class Tell(msgspec.Struct, frozen=True, gc=False, tag="tell"):
    """Durable timer: tell the next slice of stations of the newest version."""


class Walk(msgspec.Struct, frozen=True, gc=False, tag="walk"):
    """Durable timer: look at the next slice of stations for those that match."""


class Walked(msgspec.Struct, frozen=True, gc=False):
    """Volatile: Walk with the slice: stations that match."""

    stations: tuple[str, ...]
    after: str
    more: bool
