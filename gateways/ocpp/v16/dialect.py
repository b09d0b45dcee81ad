"""The 1.6 dialect: wire -> canonical message, intent -> wire, reply -> wire, answer -> result. What a connection's link uses."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from gateways.ocpp import rpc
from gateways.ocpp.json_dialect import JsonDialect, Version
from gateways.ocpp.mapping.wire import Call
from gateways.ocpp.mending import Mending
from gateways.ocpp.rpc import CODES_1_6
from gateways.ocpp.v16 import answers, commands, inbound, security
from gateways.ocpp.v16.actions import FROM_STATION, TO_STATION

PROTOCOL = "ocpp1.6"


class Dialect(JsonDialect):
    version = Version(
        PROTOCOL, Mending(__package__, CODES_1_6), FROM_STATION, TO_STATION, inbound.READERS, inbound.WRITERS
    )  # fmt: skip

    def __init__(self, tenant: str, vault: Vault, now: Callable[[], datetime], strict: bool = False) -> None:
        super().__init__(tenant, vault, now, strict)
        self._extended = False
        """It has sent a message of the security extension: it understands those as well."""

    def read(self, call: rpc.Call) -> Any:
        message = super().read(call)
        if call.action in security.FROM_STATION:
            self._extended = True
        return message

    def _to_wire(self, intent: AnyIntent) -> Call | Unsupported:
        return commands.to_wire(intent, extended=self._extended)

    def _read_answer(self, action: str, request: bytes, answer: Any) -> CommandResult | CommandFailure:
        return answers.read_answer(action, request, answer)
