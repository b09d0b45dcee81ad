"""Who waits for a keeper: kept in the keeper's state, and told once. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from actors.campaign.messages import KeeperDone
from actors.model.decision import AddressKey, Letter

MOST = 8
"""Campaigns that wait for one keeper at the same time; the oldest is forgotten, and ends by its deadline."""


class Watcher(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`id`: under which it is told. `about`: what of, where the keeper has several things."""

    id: str
    by: AddressKey
    at: datetime
    about: str = ""


def joined(watchers: tuple[Watcher, ...], new: Watcher) -> tuple[Watcher, ...]:
    """The same campaign waits once: for its newest attempt."""
    others = tuple(watcher for watcher in watchers if (watcher.by, watcher.about) != (new.by, new.about))
    return (*others, new)[-MOST:]


def told(watchers: Iterable[Watcher], station: str, *, ok: bool, detail: str) -> list[Letter]:
    return [Letter(watcher.by, KeeperDone(watcher.id, station, ok, detail)) for watcher in watchers]
