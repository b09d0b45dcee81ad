"""An entry of the registry: for whom it is, how it is recognised, what is done. The TOML files have these names."""

from typing import Any, Literal

import msgspec

Tier = Literal["repair", "accept", "reject"]
"""repair: it means one thing, and is read as that. accept: it is taken as it came, and flagged. reject: it is refused with the
error that the specification names, or not sent at all."""
LONGEST_GAP = 20.0
"""Seconds. A command that waits longer than its patience would end as unknown."""
NUMBERS = range(1, 28)


class EnumRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`aliases`: what the station says -> the value of the schema, in any case. `other`: what becomes of a value that is neither:
    "keep" it as a text, "drop" it as if it were absent, or take the named value; without it the message is refused."""

    aliases: dict[str, str] = {}
    other: str | None = None


class Quirk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`number`: of the list of what stations really do. `vendor`, `model`, `firmware`: shell patterns, in any case, of what the
    boot said; `protocol` patterns, one of which must fit. `flags`: the marks (patterns, too) by which it is counted.

    Reading: `absent` (`"Message.field"` -> what is meant; "epoch": a time that nobody takes for real), `uncut`, `droppable`
    (fields of the wire), `enum` (a field, or a message, whose values all follow the rule). Tags: `tag_serial` (the station's
    serial number may stand behind the UID), `tag_reversed` (the reader says the UID's bytes in reverse order), `tag_cut` (what
    stands behind the first 20 characters is not the tag's). Speaking: `call_gap`, `poll_gap` (seconds after an answered CALL,
    and between questions), `boot_first` (no CALL before the boot of a connection), `avoid_triggers` (of messages, 2.x words,
    patterns), `refused_purposes` (of charging profiles, 2.x words). Listening: `pings` false (none is sent), `silence` (seconds
    without any frame that end a connection)."""

    id: str
    tier: Tier
    says: str
    number: int | None = None
    vendor: str = "*"
    model: str = "*"
    firmware: str = "*"
    protocol: tuple[str, ...] = ("*",)
    off: bool = False
    flags: tuple[str, ...] = ()
    absent: dict[str, Any] = {}
    uncut: tuple[str, ...] = ()
    droppable: tuple[str, ...] = ()
    enum: dict[str, EnumRule] = {}
    tag_serial: bool | None = None
    tag_reversed: bool | None = None
    tag_cut: bool | None = None
    call_gap: float | None = None
    poll_gap: float | None = None
    boot_first: bool | None = None
    avoid_triggers: tuple[str, ...] = ()
    refused_purposes: tuple[str, ...] = ()
    pings: bool | None = None
    silence: int | None = None

    @property
    def of_some(self) -> bool:
        """It is about some makers' stations only."""
        return (self.vendor, self.model, self.firmware) != ("*", "*", "*")

    def problem(self) -> str | None:
        """What is wrong with its values; None when nothing is."""
        if self.number is not None and self.number not in NUMBERS:
            return f"number is {NUMBERS[0]} to {NUMBERS[-1]}"
        for name in ("call_gap", "poll_gap"):
            gap = getattr(self, name)
            if gap is not None and not 0 <= gap <= LONGEST_GAP:
                return f"{name} is 0 to {LONGEST_GAP:g} seconds"
        if self.silence is not None and self.silence < 1:
            return "silence is at least 1 second"
        if not self.id or not self.id.isascii() or not self.id.replace("-", "").replace(".", "").isalnum():
            return "id is made of letters, digits, hyphens and points"
        return None
