"""The 1.6 dialect: wire -> canonical message, intent -> wire, reply -> wire, answer -> result. What a connection's link uses."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from actors.station.messages import DataTransferred
from gateways.ocpp import rpc
from gateways.ocpp.json_dialect import JsonDialect, Version
from gateways.ocpp.mapping.wire import Call
from gateways.ocpp.mending import mending
from gateways.ocpp.quirks import Registry
from gateways.ocpp.rpc import CODES_1_6
from gateways.ocpp.v16 import answers, commands, inbound, plugcharge, security
from gateways.ocpp.v16.actions import FROM_STATION, TO_STATION

PROTOCOL = "ocpp1.6"


class Dialect(JsonDialect):
    version = Version(PROTOCOL, CODES_1_6, FROM_STATION, TO_STATION, inbound.READERS, inbound.WRITERS)

    def __init__(
        self,
        tenant: str,
        vault: Vault,
        now: Callable[[], datetime],
        strict: bool = False,
        quirks: Registry | None = None,
        protocol: str = "",
    ) -> None:
        super().__init__(tenant, vault, now, strict, quirks, protocol)
        self._extended = False
        """It has sent a message of the security extension: it understands those as well."""
        self._carried = False
        """The CALL that is being answered carried a message of 2.0.1 (plugcharge.py). There is one at a time."""

    def read(self, call: rpc.Call) -> Any:
        message = super().read(call)
        if call.action in security.FROM_STATION:
            self._extended = True
        self._carried = False
        if type(message) is DataTransferred:
            rules = self._quirks.rules(plugcharge.PROTOCOL)
            inside = plugcharge.unpack(message, self._asker, self._strict, mending(rules, plugcharge.CODES))
            self._carried = inside is not message
            return inside
        return message

    def write(self, reply: Any) -> Any:
        packed = plugcharge.pack(reply) if self._carried else None
        return super().write(reply) if packed is None else packed

    def refusal(self, reply: Any) -> tuple[str, str] | None:
        return None if self._carried and plugcharge.pack(reply) is not None else super().refusal(reply)

    def _to_wire(self, intent: AnyIntent) -> Call | Unsupported:
        return commands.to_wire(intent, extended=self._extended)

    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure:
        return answers.read_answer(action, request, answer)
