"""What is remembered of a campaign. Small, but for the definition. Golden files: tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.model.campaign import Definition


class Created(msgspec.Struct, frozen=True, gc=False, tag="created"):
    definition: Definition
    who: str
    at: datetime


class Started(msgspec.Struct, frozen=True, gc=False, tag="started"):
    """From now on targets are resolved; what comes after is not among them."""

    who: str
    at: datetime


class TargetsTaken(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="targets_taken"):
    """A slice of the targets, frozen. `already`: those of them that have what is to be brought. The last has `more` False."""

    stations: tuple[str, ...]
    after: str
    more: bool
    at: datetime
    already: tuple[str, ...] = ()


class WaveBegun(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="wave_begun"):
    """`number` from 0; nobody of it is ordered anything before `not_before`."""

    number: int
    at: datetime
    not_before: datetime | None = None


class Ordered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ordered"):
    """An attempt of each of these begins. `kept`: a keeper carries it out, and there is nothing to withdraw."""

    stations: tuple[str, ...]
    at: datetime
    kept: bool = False


class Moved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="moved"):
    """Something happened to a station's part: `event` as in targets.TABLE."""

    station: str
    event: str
    at: datetime
    detail: str = ""


class Withdrawing(msgspec.Struct, frozen=True, gc=False, tag="withdrawing"):
    """The orders to these are withdrawn, if they have not gone out."""

    stations: tuple[str, ...]
    at: datetime


class Paused(msgspec.Struct, frozen=True, gc=False, tag="paused"):
    reason: str
    who: str
    at: datetime


class Resumed(msgspec.Struct, frozen=True, gc=False, tag="resumed"):
    """Failures until now do not count against the budget any more: somebody has seen them."""

    who: str
    at: datetime


class Cancelled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="cancelled"):
    """Who has not begun is left alone; who has ends."""

    who: str
    at: datetime
    reason: str = ""


class Retried(msgspec.Struct, frozen=True, gc=False, tag="retried"):
    """Whoever failed has all attempts again."""

    who: str
    at: datetime


class Ended(msgspec.Struct, frozen=True, gc=False, tag="ended"):
    """Nobody is left. `phase`: ended, or cancelled."""

    phase: str
    at: datetime


class Deleted(msgspec.Struct, frozen=True, gc=False, tag="deleted"):
    who: str
    at: datetime


CampaignFact = (
    Created | Started | TargetsTaken | WaveBegun | Ordered | Moved | Withdrawing | Paused | Resumed | Cancelled | Retried
    | Ended | Deleted
)  # fmt: skip
