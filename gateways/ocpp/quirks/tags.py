"""Tags as stations garble them (quirk 26): read as the card says them, and said to the station as it reads them itself.

Case and blanks are the vault's affair: it knows a UID in any spelling.
"""

import re
from collections import deque
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from actors.model import intents as i
from gateways.ocpp.quirks.registry import Rules

FULL_TAG = 20
"""Characters of an idTag of 1.x: the longest there is."""
SHORTEST_UID = 8
"""Characters of the shortest UID: four bytes."""
SENT_TAGS = 8
"""Tags of remote starts that are remembered for a connection."""
_LONG = 14
"""A UID of seven bytes; more, of a station that adds its serial number, is doubtful."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UID = re.compile(r"(?:[0-9A-Fa-f]{2}){4,10}")
_READ = frozenset({None, "ISO14443", "ISO15693", "Central", "Local"})
"""Types of 2.x of which these slips are known; the texts of others are never touched."""
_CARDS = frozenset({None, "ISO14443", "ISO15693"})

_Named = TypeVar("_Named", i.RequestStart, i.ReserveNow, i.LocalListEntry)
NO_FLAGS: tuple[str, ...] = ()


class Tags:
    """Of one connection."""

    __slots__ = ("_rules", "_sent", "_serials")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._serials: tuple[str, ...] = ()
        self._sent: deque[str] | None = None

    def learn(self, rules: Rules, serials: Iterable[str | None]) -> None:
        self._rules = rules
        self._serials = tuple(serial for serial in serials if serial)

    def read(self, text: str, type: str | None = None) -> tuple[str, tuple[str, ...]]:
        """(the tag, what was done to it). `type`: the 2.x type of the token, where it has one."""
        rules = self._rules
        if len(text) <= FULL_TAG and not (rules.tag_serial or rules.tag_reversed) and text.isprintable():
            return text, NO_FLAGS
        if type not in _READ:
            return text, NO_FLAGS
        tag, flags = text, []
        if not tag.isprintable() and _CONTROL.search(tag):
            tag = _CONTROL.sub("", tag)
            flags.append("id_tag_control")
        if type is None and len(tag) > FULL_TAG:
            sent = self._as_sent(tag)
            if sent is not None:
                return sent, (*flags, "id_tag_cut")
            if rules.tag_cut:
                tag = tag[:FULL_TAG]
                flags.append("id_tag_cut")
        if rules.tag_serial:
            tag, odd = self._without_serial(tag)
            flags += odd
        if rules.tag_reversed and type in _CARDS and _UID.fullmatch(tag):
            tag = reversed_uid(tag)
            flags.append("id_tag_reversed")
        return tag, tuple(flags)

    def _as_sent(self, tag: str) -> str | None:
        """A tag of full length that went out with a remote start comes back with something behind it (1.x only)."""
        if self._sent is None:
            return None
        begin = tag[:FULL_TAG].lower()
        return next((sent for sent in self._sent if sent.lower() == begin), None)

    def _without_serial(self, tag: str) -> tuple[str, tuple[str, ...]]:
        for serial in self._serials:
            if len(tag) - len(serial) >= SHORTEST_UID and tag.lower().endswith(serial.lower()):
                return tag[: -len(serial)].rstrip("-_ "), ("id_tag_serial_cut",)
        return tag, ("id_tag_serial",) if len(tag) > _LONG else ()

    def said(self, intent: i.AnyIntent) -> i.AnyIntent:
        """The intent with its tags as this station reads them."""
        if isinstance(intent, i.RequestStart) and len(intent.id_token) == FULL_TAG:
            if self._sent is None:
                self._sent = deque(maxlen=SENT_TAGS)
            self._sent.append(intent.id_token)
        if not self._rules.tag_reversed:
            return intent
        if isinstance(intent, i.RequestStart):
            return _reversed_in(intent)
        if isinstance(intent, i.ReserveNow):
            return _reversed_in(intent)
        if isinstance(intent, i.SendLocalList):
            return msgspec.structs.replace(intent, entries=tuple(_reversed_in(entry) for entry in intent.entries))
        return intent


def reversed_uid(uid: str) -> str:
    """`04A2B3C4` -> `C4B3A204`."""
    return bytes.fromhex(uid)[::-1].hex().upper()


def _reversed_in(value: _Named) -> _Named:
    if value.token_type not in _CARDS or not _UID.fullmatch(value.id_token):
        return value
    return msgspec.structs.replace(value, id_token=reversed_uid(value.id_token))
