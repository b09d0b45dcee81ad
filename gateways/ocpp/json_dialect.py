"""What the dialects of all OCPP-J versions have in common. A version adds its message types, its readers of messages
and writers of replies, and how it is commanded; what its stations do besides is in the registry of quirks.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.model.decision import Refused
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.model.plausible import odd_readings
from actors.ports import Vault
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.asking import TRANSACTION_KINDS
from gateways.ocpp.dialect import Asker, BadPayload
from gateways.ocpp.mapping.wire import Call
from gateways.ocpp.mending import classify, mending
from gateways.ocpp.quirks import Registry, ours
from gateways.ocpp.quirks import outgoing as quirks_out
from gateways.ocpp.quirks.registry import UNKNOWN, Made
from gateways.ocpp.quirks.tags import Tags
from gateways.ocpp.quirks.values import Promised, accepted

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
        codes: rpc.Codes,
        from_station: Messages,
        to_station: Messages,
        readers: Mapping[str, Reader],
        writers: Mapping[type, Writer],
    ) -> None:
        self.protocol = protocol
        self.codes = codes
        self.requests = {action: request for action, (request, _) in from_station.items()}
        self.decoders = {action: msgspec.json.Decoder(request) for action, request in self.requests.items()}
        self.answers = {action: msgspec.json.Decoder(response) for action, (_, response) in to_station.items()}
        self.readers = readers
        self.writers = writers


class JsonDialect:
    """Of one connection. `strict`: the schemas to the letter, for conformance."""

    version: ClassVar[Version]

    def __init__(
        self,
        tenant: str,
        vault: Vault,
        now: Callable[[], datetime],
        strict: bool = False,
        quirks: Registry | None = None,
        protocol: str = "",
    ) -> None:
        """`protocol`: by which the registry knows the station, where that is another transport's."""
        self._strict = strict
        self.protocol = self.version.protocol
        self.codes = self.version.codes
        self._quirks = quirks or ours()
        self._known_as = protocol or self.protocol
        self.rules = self._quirks.rules(self._known_as, UNKNOWN)
        self._asker = Asker(tenant, vault, now, Tags(self.rules))
        self.mended: tuple[str, ...] = ()
        self.noted: tuple[str, ...] = ()
        self._promised: Promised | None = None
        self._booted = False
        """It said itself what it is, on this connection: nothing older counts."""

    def learn(self, made: Made, serials: tuple[str | None, ...]) -> None:
        if not self._booted:
            self._adopt(made, serials)

    def _adopt(self, made: Made, serials: tuple[str | None, ...]) -> None:
        self.rules = self._quirks.rules(self._known_as, made)
        self._asker.tags.learn(self.rules, serials)

    def read(self, call: rpc.Call) -> Any:
        version = self.version
        action, payload = call.action, call.payload
        asker = self._asker
        asker.noted = ()
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
                raise classify(error, self.codes) from None
            wire, flags = self._mend(action, payload, flags)
        self.mended = flags
        message = version.readers[action](wire, asker, flags, payload)
        kind = type(message)
        if kind in TRANSACTION_KINDS:
            self.noted = self._of_transaction(message)
        else:
            self.noted = (*flags, *asker.noted)
            if flags:
                self._refuse(flags)
            if kind is s.Boot:
                self._learn(message)
        return message

    def _mend(self, action: str, payload: bytes, flags: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
        wire, more = mending(self.rules, self.codes).mend(self.version.requests[action], payload)
        return wire, flags + more

    def _refuse(self, flags: tuple[str, ...]) -> None:
        """An operator may want a slip refused that could be mended; never in a message of a transaction (quirk 17)."""
        quirk = self._quirks.refuses(flags)
        if quirk is not None:
            raise BadPayload("PropertyConstraintViolation", f"refused by quirk {quirk.id}: {', '.join(flags)}")

    def _of_transaction(self, message: Any) -> tuple[str, ...]:
        """What is odd about a message of a transaction, its readings included."""
        noted: tuple[str, ...] = message.flags
        if self._asker.noted:
            noted = tuple(dict.fromkeys((*noted, *self._asker.noted)))
        readings = () if type(message) is s.TransactionStart else message.readings
        if readings:
            odd = odd_readings(readings)
            if odd:
                noted = (*noted, *odd)
            if self._promised is not None and self._promised.saw(readings) is not None:
                noted = (*noted, "values_unsent") if self._promised.missing else noted
                self._promised = None
        if type(message) is s.TransactionStop and message.number <= 0:
            noted = (*noted, "no_number")
        return noted

    def _learn(self, boot: s.Boot) -> None:
        """Which quirks this station has, by what it says it is."""
        self._booted = True
        self._adopt((boot.vendor, boot.model, boot.firmware or ""), (boot.serial, boot.box_serial))

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
        fitted = self.fitted(intent)
        if isinstance(fitted, Unsupported):
            return fitted
        call = self._to_wire(fitted)
        if isinstance(call, Unsupported):
            return call
        return encoded(call)

    def fitted(self, intent: AnyIntent) -> AnyIntent | Unsupported:
        """The intent as this very station takes it, whatever its version could carry; or what it is known not to take."""
        refused, mark = quirks_out.refusal(self.rules, intent)
        if refused is not None:
            self.noted = (mark,)
            return refused
        self.noted = ()
        return self._asker.tags.said(intent)

    @abstractmethod
    def _to_wire(self, intent: AnyIntent) -> Call | Unsupported: ...

    @abstractmethod
    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure: ...

    def answer(self, action: str, request: bytes, payload: bytes) -> CommandResult | CommandFailure:
        """Strictly, an answer outside its schema is a failure."""
        self.noted = ()
        outcome = self._answered(action, request, payload)
        self.heard(action, outcome)
        return outcome

    def heard(self, action: str, outcome: CommandResult | CommandFailure) -> None:
        """An answer may show a quirk, or promise something."""
        if quirks_out.refused_profile(action, outcome):
            self.noted = ("profile_refused",)
        promised = accepted(outcome)
        if promised is not None:
            self._promised = Promised(promised) if promised else None

    def _answered(self, action: str, request: bytes, payload: bytes) -> CommandResult | CommandFailure:
        try:
            if self._strict:
                self.version.answers[action].decode(payload)
            answer = msgspec.json.decode(payload)
        except msgspec.ValidationError as error:
            wrong = classify(error, self.codes)
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
