"""What a campaign is told and asked, and the timers that it sets itself."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from actors.model.campaign import Definition

Action = Literal["start", "pause", "resume", "cancel", "retry"]


class Create(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done or Refused. With a `start_at` it starts by itself."""

    definition: Definition
    who: str


class Control(msgspec.Struct, frozen=True, gc=False):
    """Reply: the summary (rows.summary), or Refused: the campaign is in no state for it. `retry`: whoever failed gets all its
    attempts again."""

    action: Action
    who: str


class Delete(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done, or Refused while it is under way."""

    who: str


class Look(msgspec.Struct, frozen=True, gc=False):
    """Reply: the summary with the definition, or Refused (unknown)."""


class LookStations(msgspec.Struct, frozen=True, gc=False):
    """Reply: StationsPage, or Refused. In order of their waves; `after`: the last station of the page before."""

    limit: int
    state: str | None = None
    after: str | None = None


class StationsPage(msgspec.Struct, frozen=True, gc=False):
    items: tuple[dict[str, Any], ...]
    next: str | None


class KeeperDone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="keeper_done"):
    """Letter from a keeper that was asked for something by letter: it is so now, or it is not and why. `id` as asked."""

    id: str
    station: str
    ok: bool
    detail: str = ""


class StartDue(msgspec.Struct, frozen=True, gc=False, tag="start_due"):
    """Durable timer: the time has come at which it was to start."""


class Advance(msgspec.Struct, frozen=True, gc=False, tag="advance"):
    """Durable timer: take the next slice: of targets, of orders, of orders to withdraw."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """Volatile: Advance while targets are being resolved, with the next of them. `already` have what is to be brought."""

    stations: tuple[str, ...]
    already: tuple[str, ...]
    after: str
    """Where to go on: a station's name, or a number of the explicit ones."""
    more: bool


class AttemptDue(msgspec.Struct, frozen=True, gc=False, tag="attempt_due"):
    """Durable timer: the deadline of a station's attempt."""

    station: str
    number: int


class RetryDue(msgspec.Struct, frozen=True, gc=False, tag="retry_due"):
    """Durable timer: a station that failed may try again."""

    station: str
    number: int
    at: datetime
