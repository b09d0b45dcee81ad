"""Commands to a 1.6 station: canonical intent -> request, by the table of `gateways/ocpp/mapping/commands_v16.py`.

`to_wire` is strict: what 1.6 cannot carry is either named in `lost` (the station still does what was wanted) or refused as
`Unsupported` with the field (it would do something else). The rules are those of PROTOCOLS 5.2, 5.3, 5.6.
"""

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping.commands_v16 import V16
from gateways.ocpp.mapping.wire import Call, to_call
from gateways.ocpp.v16.actions import TO_STATION


def to_wire(intent: i.AnyIntent, *, extended: bool = False) -> Call | i.Unsupported:
    """The 1.6 request of an intent. `extended`: the station speaks the security extension. Never raises."""
    if extended and (
        isinstance(intent, i.GetLog) or (isinstance(intent, i.Trigger) and intent.message == "LogStatusNotification")
    ):
        intent = msgspec.structs.replace(intent, extended=True)
    return to_call(V16, TO_STATION, intent)
