"""What an operator says in 1.6 words, as the canonical intent: the inverse of commands.py, by the same table.

The request was already checked against its schema; only what the schema cannot say is refused here, with the wire name of
the field.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping.command import understood
from gateways.ocpp.mapping.commands_v16 import V16


def to_intent(action: str, request: Any) -> i.AnyIntent:
    """Raises Senseless."""
    return understood(V16.said(action), msgspec.to_builtins(request, builtin_types=(datetime,)))
