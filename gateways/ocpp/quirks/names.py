"""The words that an entry may use for messages, fields, triggers and purposes: those of the versions' own message types."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import msgspec

from gateways.ocpp.quirks.entry import Quirk
from gateways.ocpp.v16.messages import Wire as Wire16
from gateways.ocpp.v201.messages import charging, remote
from gateways.ocpp.v201.messages.base import Wire as Wire201

_PATTERN = frozenset("*?[")


def misspelt(quirk: Quirk) -> str | None:
    """What is wrong with the words of an entry; None when all are known. Only message types that are loaded are known: that is
    all of them once there is a dialect."""
    kinds = [kind for base in (Wire16, Wire201) for kind in _all(base)]
    fields = {name for kind in kinds for name in kind.__struct_encode_fields__}
    messages = {kind.__name__ for kind in kinds}
    places = {f"{kind.__name__}.{name}" for kind in kinds for name in kind.__struct_encode_fields__}
    checks: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        ("absent", quirk.absent, places),
        ("uncut", quirk.uncut, fields),
        ("droppable", quirk.droppable, fields),
        ("enum", quirk.enum, fields | messages),
        ("avoid_triggers", quirk.avoid_triggers, get_args(_type_of(remote.TriggerMessage, "requested_message"))),
        ("refused_purposes", quirk.refused_purposes, get_args(charging.ChargingProfilePurpose)),
    )
    for key, given, known in checks:
        for word in given:
            problem = _unknown(word, list(known))
            if problem is not None:
                return f"{key}: {problem}"
    return None


def _unknown(word: str, known: list[str]) -> str | None:
    if word in known or not _PATTERN.isdisjoint(word):
        return None
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"{word!r} is not known" + (f": did you mean {close[0]}?" if close else "")


def _all(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def _type_of(kind: type[msgspec.Struct], name: str) -> Any:
    return next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
