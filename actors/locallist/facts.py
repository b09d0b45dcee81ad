"""What is remembered of a station's local list. Tokens are references; every type has a golden file in
tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.campaign.watching import Watcher


class ListWanted(msgspec.Struct, frozen=True, gc=False, tag="list_wanted"):
    """What the operator wants the station to know; `managed` False: nobody keeps it any more."""

    refs: tuple[str, ...]
    managed: bool
    who: str
    at: datetime


class StepSent(msgspec.Struct, frozen=True, gc=False, tag="step_sent"):
    """An order with the next step is on its way; `changes` as in messages.Step."""

    order: str
    version: int
    update_type: str
    changes: dict[str, str]
    at: datetime


class StepSettled(msgspec.Struct, frozen=True, gc=False, tag="step_settled"):
    """`outcome`: the station's status, or the reason why there is none."""

    order: str
    outcome: str
    at: datetime


class VersionAsked(msgspec.Struct, frozen=True, gc=False, tag="version_asked"):
    order: str
    at: datetime


class VersionTold(msgspec.Struct, frozen=True, gc=False, tag="version_told"):
    """GetLocalListVersion: -1 means that the station has no such thing."""

    version: int
    at: datetime


class SentByHand(msgspec.Struct, frozen=True, gc=False, tag="sent_by_hand"):
    """An operator's own SendLocalList was accepted."""

    version: int
    update_type: str
    entries: dict[str, str]
    at: datetime


class CustomerForgotten(msgspec.Struct, frozen=True, gc=False, tag="customer_forgotten"):
    ref: str
    at: datetime


class ListWatched(msgspec.Struct, frozen=True, gc=False, tag="list_watched"):
    """Somebody waits for the list to be in step."""

    watcher: Watcher


class WatchersTold(msgspec.Struct, frozen=True, gc=False, tag="watchers_told"):
    at: datetime


LocalListFact = (
    ListWanted | StepSent | StepSettled | VersionAsked | VersionTold | SentByHand | CustomerForgotten | ListWatched
    | WatchersTold
)  # fmt: skip
