"""What the dialects of all OCPP-J versions have in common. A version adds its message types, its quirks.toml, its readers of
messages and writers of replies, and how it is commanded.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.model.decision import Refused
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.asking import TRANSACTION_KINDS
from gateways.ocpp.dialect import Asker, BadPayload
from gateways.ocpp.mapping.wire import Call
from gateways.ocpp.mending import Mending

Reader = Callable[[Any, Asker, tuple[str, ...], bytes], Any]
"""(wire message, who speaks, what was mended, payload as it came) -> canonical message. May raise BadPayload."""
Writer = Callable[[Any], Any]
"""An actor's answer -> wire message."""
Messages = Mapping[str, tuple[type[msgspec.Struct], type[msgspec.Struct]]]

_encode = msgspec.json.Encoder().encode


def encoded(call: Call) -> s.WireCall:
    """With those that follow it."""
    return s.WireCall(call.action, _encode(call.request), call.lost, tuple(map(encoded, call.more)))


class Version:
    """Made once: the tables of one version, their decoders with them."""

    def __init__(
        self,
        protocol: str,
        mending: Mending,
        from_station: Messages,
        to_station: Messages,
        readers: Mapping[str, Reader],
        writers: Mapping[type, Writer],
    ) -> None:
        self.protocol = protocol
        self.mending = mending
        self.requests = {action: request for action, (request, _) in from_station.items()}
        self.decoders = {action: msgspec.json.Decoder(request) for action, request in self.requests.items()}
        self.answers = {action: msgspec.json.Decoder(response) for action, (_, response) in to_station.items()}
        self.readers = readers
        self.writers = writers


class JsonDialect:
    """Of one connection. `strict`: the schemas to the letter, for conformance."""

    version: ClassVar[Version]

    def __init__(self, tenant: str, vault: Vault, now: Callable[[], datetime], strict: bool = False) -> None:
        self._asker = Asker(tenant, vault, now)
        self._strict = strict
        self.protocol = self.version.protocol
        self.codes = self.version.mending.codes
        self.call_gap: float | None = None
        self.boot_first = False
        self.mended: tuple[str, ...] = ()

    def read(self, call: rpc.Call) -> Any:
        version = self.version
        action, payload = call.action, call.payload
        decoder = version.decoders.get(action)
        if decoder is None:
            if action in version.answers:
                raise BadPayload("NotSupported", f"{action[:50]}: from the centre only")
            raise BadPayload("NotImplemented", f"{action[:50]}: unknown")
        flags: tuple[str, ...] = ("json",) if call.repaired else ()
        try:
            wire = decoder.decode(payload)
            if b"\\u0000" in payload and not self._strict:
                wire, flags = self._mend(action, payload, flags)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if self._strict:
                raise version.mending.classify(error) from None
            wire, flags = self._mend(action, payload, flags)
        self.mended = flags
        message = version.readers[action](wire, self._asker, flags, payload)
        if type(message) is s.Boot:
            self._learn(message)
        return message

    def _mend(self, action: str, payload: bytes, flags: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
        wire, more = self.version.mending.mend(self.version.requests[action], payload)
        return wire, flags + more

    def _learn(self, boot: s.Boot) -> None:
        """Which quirks this station has, by what it says it is."""
        rule = self.version.mending.rule(boot)
        self.call_gap = rule.get("call_gap")
        self.boot_first = rule.get("boot_first", False)
        self._asker.tag_serial = rule.get("tag_serial", False)

    def write(self, reply: Any) -> Any:
        writer = self.version.writers.get(type(reply))
        if writer is None:
            raise TypeError(f"{type(reply).__name__} is no answer to a station")
        return writer(reply)

    def refusal(self, reply: Any) -> tuple[str, str] | None:
        if type(reply) in self.version.writers:
            return None
        if isinstance(reply, s.NotAdmitted):
            return reply.code, reply.detail
        if isinstance(reply, Refused):
            return "GenericError", reply.detail
        return None

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        call = self._to_wire(intent)
        if isinstance(call, Unsupported):
            return call
        return encoded(call)

    @abstractmethod
    def _to_wire(self, intent: AnyIntent) -> Call | Unsupported: ...

    @abstractmethod
    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure: ...

    def answer(self, action: str, request: bytes, payload: bytes) -> CommandResult | CommandFailure:
        """Strictly, an answer outside its schema is a failure."""
        try:
            if self._strict:
                self.version.answers[action].decode(payload)
            answer = msgspec.json.decode(payload)
        except msgspec.ValidationError as error:
            wrong = self.version.mending.classify(error)
            return CommandFailure("error", wrong.code, wrong.detail)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return CommandFailure("error", self.codes.formation, "the station's answer cannot be read")
        return self._read_answer(action, request, answer)

    def unreadable(self, message: Any, dead_letter: str) -> s.Unreadable | None:
        kind = TRANSACTION_KINDS.get(type(message))
        if kind is None:
            return None
        return s.Unreadable(
            kind,
            dead_letter,
            getattr(message, "evse", None),
            getattr(message, "number", None),
            self._asker.now(),
            getattr(message, "transaction_id", None),
            getattr(message, "token", None) is not None,
        )
