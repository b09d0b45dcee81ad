"""What is remembered of a configuration template. Golden files: tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.model.matching import Match
from actors.model.settings import Setting


class Put(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="put"):
    name: str
    version: int
    settings: tuple[Setting, ...]
    enforce: str
    who: str
    at: datetime
    match: Match | None = None


class Joined(msgspec.Struct, frozen=True, gc=False, tag="joined"):
    """This station has it, and was told the newest version."""

    station: str
    at: datetime


class Left(msgspec.Struct, frozen=True, gc=False, tag="left"):
    station: str
    at: datetime


class Told(msgspec.Struct, frozen=True, gc=False, tag="told"):
    """These have been told the newest version, or that there is no such template any more."""

    stations: tuple[str, ...]
    at: datetime


class Offered(msgspec.Struct, frozen=True, gc=False, tag="offered"):
    """Stations up to `after` were looked at, and those that match will be given it at their next boot."""

    after: str
    more: bool
    at: datetime


class Deleted(msgspec.Struct, frozen=True, gc=False, tag="deleted"):
    who: str
    at: datetime


TemplateFact = Put | Joined | Left | Told | Offered | Deleted
