"""The 1.6 dialect: wire -> canonical message, intent -> wire, reply -> wire, answer -> result. What a connection's link uses."""

from typing import Any

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from gateways.ocpp.json_dialect import JsonDialect, Version
from gateways.ocpp.mending import Mending
from gateways.ocpp.rpc import CODES_1_6
from gateways.ocpp.v16 import answers, commands, inbound
from gateways.ocpp.v16.messages import FROM_STATION, TO_STATION

PROTOCOL = "ocpp1.6"


class Dialect(JsonDialect):
    version = Version(
        PROTOCOL, Mending(__package__, CODES_1_6), FROM_STATION, TO_STATION, inbound.READERS, inbound.WRITERS
    )  # fmt: skip

    def _to_wire(self, intent: AnyIntent) -> commands.Call | Unsupported:
        return commands.to_wire(intent)

    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure:
        return answers.read_answer(action, request, answer)
