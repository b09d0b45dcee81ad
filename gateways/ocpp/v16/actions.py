"""Every action of OCPP 1.6 and its security extension, by direction: action -> (request, response)."""

from gateways.ocpp.v16 import messages, security
from gateways.ocpp.v16.messages import Wire

FROM_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {**messages.FROM_STATION, **security.FROM_STATION}
TO_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {**messages.TO_STATION, **security.TO_STATION}
