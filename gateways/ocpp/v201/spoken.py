"""What an operator says in 2.0.1 words, as the canonical intent: the inverse of commands.py, by the same table."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping.command import understood
from gateways.ocpp.mapping.commands_v201 import V201


def to_intent(action: str, request: Any) -> i.AnyIntent:
    """Raises Senseless."""
    return understood(V201.said(action), msgspec.to_builtins(request, builtin_types=(datetime,)))
