"""Commands to a 2.0.1 station: canonical intent -> request, by the table of `gateways/ocpp/mapping/commands_v201.py`.

2.0.1 carries nearly everything that an intent can say. What its rules forbid (PROTOCOLS 3.5) is refused with the field before
anything is sent.
"""

from actors.model import intents as i
from gateways.ocpp.mapping.commands_v201 import V201
from gateways.ocpp.mapping.wire import Call, to_call
from gateways.ocpp.v201.messages import TO_STATION


def to_wire(intent: i.AnyIntent) -> Call | i.Unsupported:
    """The 2.0.1 request of an intent. Never raises."""
    return to_call(V201, TO_STATION, intent)
