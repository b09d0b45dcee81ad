"""The 1.6 dialect: wire -> canonical message, intent -> wire, reply -> wire, answer -> result. What a connection's link uses.

It holds what is known of one connection's station (its boot decides which quirks apply) and nothing that must last.
"""

from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.asking import TRANSACTION_KINDS
from gateways.ocpp.v16 import answers, commands, inbound, mending
from gateways.ocpp.v16.messages import FROM_STATION, TO_STATION, Wire

PROTOCOL = "ocpp1.6"
CODES = rpc.CODES_1_6

_DECODERS = {action: msgspec.json.Decoder(request) for action, (request, _) in FROM_STATION.items()}
_RESPONSES = {action: msgspec.json.Decoder(response) for action, (_, response) in TO_STATION.items()}
_encode = msgspec.json.Encoder().encode


class Dialect:
    """`strict`: the schemas to the letter, for conformance."""

    protocol = PROTOCOL
    codes = CODES

    def __init__(self, tenant: str, vault: Vault, now: Callable[[], datetime], *, strict: bool = False) -> None:
        self._asker = inbound.Asker(tenant, vault, now)
        self._strict = strict
        self.call_gap: float | None = None
        self.boot_first = False

    def read(self, call: rpc.Call) -> Any:
        """The canonical message of a CALL. Raises mending.BadPayload."""
        action, payload = call.action, call.payload
        decoder = _DECODERS.get(action)
        if decoder is None:
            known = "from the centre only" if action in TO_STATION else "unknown"
            raise mending.BadPayload("NotSupported" if action in TO_STATION else "NotImplemented", f"{action[:50]}: {known}")
        flags: tuple[str, ...] = ("json",) if call.repaired else ()
        try:
            wire = decoder.decode(payload)
            if b"\\u0000" in payload and not self._strict:
                wire, flags = self._mend(action, payload, flags)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if self._strict:
                raise mending.classify(error) from None
            wire, flags = self._mend(action, payload, flags)
        message = inbound.READERS[action](wire, self._asker, flags, payload)
        if action == "BootNotification":
            self._learn(message)
        return message

    def _mend(self, action: str, payload: bytes, flags: tuple[str, ...]) -> tuple[Wire, tuple[str, ...]]:
        wire, more = mending.mend(FROM_STATION[action][0], payload)
        return wire, flags + more

    def _learn(self, boot: s.Boot) -> None:
        """Which quirks this station has, by what it says it is."""
        for rule in mending.QUIRKS.get("station", ()):
            if all(_matches(rule.get(name), value) for name, value in _identity(boot)):
                self.call_gap = rule.get("call_gap")
                self.boot_first = rule.get("boot_first", False)
                self._asker.tag_serial = rule.get("tag_serial", False)
                return

    def write(self, reply: Any) -> Wire:
        return inbound.write_reply(reply)

    def refusal(self, reply: Any) -> tuple[str, str] | None:
        return inbound.refusal(reply)

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        call = commands.to_wire(intent)
        if isinstance(call, Unsupported):
            return call
        return s.WireCall(call.action, _encode(call.request), call.lost)

    def answer(self, action: str, request: bytes, payload: bytes) -> CommandResult | CommandFailure:
        """What the station answered to `request`. Strictly, an answer outside its schema is a failure."""
        try:
            if self._strict:
                _RESPONSES[action].decode(payload)
            answer = msgspec.json.decode(payload)
        except msgspec.ValidationError as error:
            wrong = mending.classify(error)
            return CommandFailure("error", wrong.code, wrong.detail)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return CommandFailure("error", CODES.formation, "the station's answer cannot be read")
        return answers.read_answer(action, request, answer)

    def unreadable(self, message: Any, dead_letter: str) -> s.Unreadable | None:
        """What is told about a transaction message that became a dead letter; None for any other message."""
        kind = TRANSACTION_KINDS.get(type(message))
        if kind is None:
            return None
        evse = getattr(message, "evse", None)
        number = getattr(message, "number", None)
        return s.Unreadable(kind, dead_letter, evse, number, self._asker.now())


def _identity(boot: s.Boot) -> tuple[tuple[str, str], ...]:
    return (("vendor", boot.vendor), ("model", boot.model), ("firmware", boot.firmware or ""))


def _matches(pattern: str | None, value: str) -> bool:
    return pattern is None or fnmatchcase(value.lower(), pattern.lower())
