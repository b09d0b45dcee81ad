"""The dialect of a SOAP station: its fields -> canonical message, intent -> fields, reply -> fields, answer -> result.

The 1.6 room does the reading; v15/words.py says what 1.2 and 1.5 call otherwise. So a retried message, whatever transport it
comes by, has the same natural key, and a quirk that is mended for 1.6 is mended here. Commands are made by each version's table.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.json_dialect import encoded
from gateways.ocpp.mapping.commands_v15 import V15
from gateways.ocpp.mapping.wire import to_call
from gateways.ocpp.quirks import Registry, Rules
from gateways.ocpp.quirks.registry import Made
from gateways.ocpp.soap.operations import Version
from gateways.ocpp.v15.messages import TO_STATION
from gateways.ocpp.v15.words import BY_PROTOCOL, OCCUPIED, Fields, Words
from gateways.ocpp.v16 import dialect as v16

_encode = msgspec.json.Encoder().encode


class SoapDialect:
    """What is known of one connection's station, and nothing that must last."""

    def __init__(
        self,
        version: Version,
        tenant: str,
        vault: Vault,
        now: Callable[[], datetime],
        *,
        strict: bool = False,
        quirks: Registry | None = None,
    ) -> None:
        self.version = version
        self.protocol = version.protocol
        self._inner = v16.Dialect(tenant, vault, now, strict, quirks, version.protocol)
        self._words = BY_PROTOCOL[version.protocol](version)
        self._as_1_6 = type(self._words) is Words

    @property
    def rules(self) -> Rules:
        """What is known of stations of its kind."""
        return self._inner.rules

    @property
    def noted(self) -> tuple[str, ...]:
        """By which marks what was last read, rendered or answered is counted for the station."""
        return self._inner.noted

    def learn(self, made: Made, serials: tuple[str | None, ...]) -> None:
        self._inner.learn(made, serials)

    @property
    def mended(self) -> tuple[str, ...]:
        """How the last message that was read had to be mended."""
        return self._inner.mended

    def read(self, action: str, fields: Fields) -> Any:
        """The canonical message of a request. Raises BadPayload."""
        message = self._inner.read(rpc.Call("", action, _encode(self._words.heard(action, fields))))
        if isinstance(message, s.ConnectorStatus) and str(fields.get("status")).lower() == OCCUPIED.lower():
            return msgspec.structs.replace(message, detail=OCCUPIED)
        return message

    def refusal(self, reply: Any) -> tuple[str, str] | None:
        return self._inner.refusal(reply)

    def write(self, action: str, reply: Any) -> Fields:
        """An actor's answer, as fields of the response."""
        return self._words.said(action, _plain(self._inner.write(reply)))

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        fitted = intent if self._as_1_6 else self._inner.fitted(intent)
        if isinstance(fitted, Unsupported):
            return fitted
        made = self._inner.render(fitted) if self._as_1_6 else _of_1_5(fitted)
        if isinstance(made, Unsupported):
            return made
        wires = []
        for wire in (made, *made.more):
            carried = self._words.command(wire.action, msgspec.json.decode(wire.payload))
            if isinstance(carried, Unsupported):
                return carried
            wires.append(s.WireCall(wire.action, _encode(carried)))
        return s.WireCall(wires[0].action, wires[0].payload, made.lost, tuple(wires[1:]))

    def answer(self, action: str, request: bytes, fields: Fields) -> CommandResult | CommandFailure:
        """What the station answered to the command whose fields were `request`."""
        asked = self._words.commanded(action, msgspec.json.decode(request))
        return self._inner.answer(action, _encode(asked), _encode(self._words.answered(action, fields)))

    def unreadable(self, message: Any, dead_letter: str) -> s.Unreadable | None:
        return self._inner.unreadable(message, dead_letter)


def _of_1_5(intent: AnyIntent) -> s.WireCall | Unsupported:
    """1.2 has the same words, and fewer of them."""
    call = to_call(V15, TO_STATION, intent)
    return call if isinstance(call, Unsupported) else encoded(call)


def _plain(wire: Any) -> Fields:
    fields = msgspec.to_builtins(wire)
    assert isinstance(fields, dict)
    return fields
