"""The 2.0.1 dialect: wire -> canonical message, intent -> wire, reply -> wire, answer -> result. What a link uses."""

from typing import Any

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from gateways.ocpp.json_dialect import JsonDialect, Version
from gateways.ocpp.mapping.wire import Call
from gateways.ocpp.rpc import CODES_2_X
from gateways.ocpp.v201 import answers, commands, inbound
from gateways.ocpp.v201.messages import FROM_STATION, TO_STATION

PROTOCOL = "ocpp2.0.1"


class Dialect(JsonDialect):
    version = Version(PROTOCOL, CODES_2_X, FROM_STATION, TO_STATION, inbound.READERS, inbound.WRITERS)

    def _to_wire(self, intent: AnyIntent) -> Call | Unsupported:
        return commands.to_wire(intent)

    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure:
        return answers.read_answer(action, request, answer)
