"""A row of the tables of commands: one intent as one action of one version."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.engine import Refuse, Senseless, Shape

Piece = tuple[str, dict[str, Any]]
"""An action and its payload."""


class Carry(msgspec.Struct, frozen=True):
    """How an intent is said: by `shape`, or by `out` and `into` where a table cannot tell it (`shape` then still names the
    fields). `when` picks among several carries of one intent, the first that is true; `note` says it to people.
    `rule` is what the standard asks beyond the schema; it raises Refuse, whether the intent goes out or a caller says it.
    `check` is asked of a caller's payload only and raises Senseless. `spoken` False: nobody can say it in these words, it
    only goes out so. `extension`: of the 1.6 security whitepaper. `fixed`: what
    these words mean without saying it. `takes`: wire names that `into` reads and the shape does not name."""

    action: str
    intent: type
    shape: Shape
    when: Callable[[Any], bool] | None = None
    note: str = ""
    out: Callable[[Any, list[str]], list[Piece]] | None = None
    into: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    check: Callable[[dict[str, Any]], None] | None = None
    rule: Callable[[Any], None] | None = None
    spoken: bool = True
    extension: bool = False
    fixed: Mapping[str, Any] = {}
    takes: tuple[str, ...] = ()


class Version(msgspec.Struct, frozen=True):
    """All commands of a version. `cannot`: intents that it does not know, and why, with the field that says it best."""

    name: str
    says: str
    carries: tuple[Carry, ...]
    cannot: Mapping[type, tuple[str, str | None]] = {}

    def to(self, intent: Any) -> Carry:
        """Raises Refuse."""
        kind = type(intent)
        for carry in self.carries:
            if carry.intent is kind and (carry.when is None or carry.when(intent)):
                return carry
        why, field = self.cannot.get(kind, (f"{self.says} has no {kind.__name__}", None))
        raise Refuse(why, field or "")

    def said(self, action: str) -> Carry:
        """The carry by which a caller's action is understood. KeyError for an unknown one."""
        for carry in self.carries:
            if carry.action == action and carry.spoken:
                return carry
        raise KeyError(action)


def pieces(carry: Carry, intent: Any, lost: list[str]) -> list[Piece]:
    """The payloads that say `intent`, one after the other. Raises Refuse."""
    if carry.rule is not None:
        carry.rule(intent)
    if carry.out is not None:
        engine.uncarried(carry.shape, intent, lost)
        return carry.out(intent, lost)
    return [(carry.action, engine.write(carry.shape, intent, lost))]


def understood(carry: Carry, payload: dict[str, Any]) -> i.AnyIntent:
    """The intent of a payload that fits its schema (times as datetime). Raises Senseless."""
    if carry.check is not None:
        carry.check(payload)
    fields = engine.read(carry.shape, payload) if carry.into is None else carry.into(payload)
    intent: i.AnyIntent = msgspec.convert(fields | dict(carry.fixed), carry.intent)
    if carry.rule is not None:
        try:
            carry.rule(intent)
        except Refuse as refused:
            place = engine.wire_path(carry.shape, refused.field)
            raise Senseless(engine.pointer(place or ""), refused.detail) from None
    return intent
