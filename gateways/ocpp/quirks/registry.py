"""The entries in use: which of them apply to one station, taken together, and whose mark a flag is."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from gateways.ocpp.quirks.entry import EnumRule, Quirk

KINDS = 512
"""Of stations (protocol, vendor, model, firmware) whose rules are kept at hand."""

Made = tuple[str, str, str]
"""(vendor, model, firmware), as the last boot said."""
UNKNOWN: Made = ("", "", "")


class Rules:
    """What applies to one kind of station: later entries count more than earlier ones, those about its maker most. One object
    for all stations of a kind; nobody changes it."""

    def __init__(self, quirks: Iterable[Quirk]) -> None:
        self.quirks = tuple(quirk.id for quirk in quirks if quirk.of_some)
        """Which entries are about its maker."""
        self.absent: dict[str, Any] = {}
        self.uncut: frozenset[str] = frozenset()
        self.droppable: frozenset[str] = frozenset()
        self.enum: dict[str, EnumRule] = {}
        self.tag_serial = self.tag_reversed = self.tag_cut = self.boot_first = False
        self.call_gap: float | None = None
        self.poll_gap: float | None = None
        self.avoid_triggers: tuple[str, ...] = ()
        self.refused_purposes: frozenset[str] = frozenset()
        self.pings = True
        self.silence: int | None = None
        for quirk in quirks:
            self._add(quirk)

    def _add(self, quirk: Quirk) -> None:
        self.absent |= quirk.absent
        self.uncut |= frozenset(quirk.uncut)
        self.droppable |= frozenset(quirk.droppable)
        for field, rule in quirk.enum.items():
            known = self.enum.get(field, rule)
            other = rule.other if rule.other is not None else known.other
            self.enum[field] = EnumRule({**known.aliases, **rule.aliases}, other)
        self.avoid_triggers += quirk.avoid_triggers
        self.refused_purposes |= frozenset(quirk.refused_purposes)
        for name in ("tag_serial", "tag_reversed", "tag_cut", "boot_first", "call_gap", "poll_gap", "pings", "silence"):
            value = getattr(quirk, name)
            if value is not None:
                setattr(self, name, value)

    def avoids(self, message: str) -> bool:
        """Whether this message (2.x word) must not be triggered."""
        return any(fnmatchcase(message.lower(), pattern.lower()) for pattern in self.avoid_triggers)


class Registry:
    def __init__(self, quirks: tuple[Quirk, ...]) -> None:
        self.quirks = quirks
        """All of them, those that are off as well."""
        self._on = tuple(quirk for quirk in quirks if not quirk.off)
        self.rules = lru_cache(maxsize=KINDS)(self._rules)
        """(protocol, made) -> the Rules of that kind of station."""
        self.of_flag = lru_cache(maxsize=KINDS)(self._of_flag)
        """Flag -> its quirk, or None for a mark that no entry claims. Entries about some makers go first."""

    def _rules(self, protocol: str, made: Made = UNKNOWN) -> Rules:
        found = [quirk for quirk in self._on if _fits(quirk, protocol, made)]
        return Rules(sorted(found, key=lambda quirk: quirk.of_some))

    def _of_flag(self, flag: str) -> Quirk | None:
        found = [quirk for quirk in self._on if any(fnmatchcase(flag, pattern) for pattern in quirk.flags)]
        return max(found, key=lambda quirk: quirk.of_some, default=None)

    def refuses(self, flags: tuple[str, ...]) -> Quirk | None:
        """The first of these marks that an entry of the tier `reject` stands behind."""
        for flag in flags:
            quirk = self.of_flag(flag)
            if quirk is not None and quirk.tier == "reject":
                return quirk
        return None


def _fits(quirk: Quirk, protocol: str, made: Made) -> bool:
    if not any(fnmatchcase(protocol.lower(), pattern.lower()) for pattern in quirk.protocol):
        return False
    patterns = (quirk.vendor, quirk.model, quirk.firmware)
    return all(fnmatchcase(said.lower(), pattern.lower()) for said, pattern in zip(made, patterns, strict=True))
