"""Plug & Charge over OCPP 1.6: messages of 2.0.1 inside DataTransfer (PROTOCOLS 2.9), unpacked and packed.

`data` is the JSON text of the 2.0.1 payload; some stations send the object itself. The readers and writers are those of
2.0.1, so a station of either version meets the same actors.
"""

from typing import Any

import msgspec

from actors.station.messages import DataTransferred
from actors.station.vendors import PNC_VENDORS
from gateways.ocpp.dialect import Asker, BadPayload
from gateways.ocpp.mending import Mending
from gateways.ocpp.v16.messages import DataTransferResponse
from gateways.ocpp.v201.dialect import Dialect as Dialect201

MESSAGES = {name.lower(): name for name in ("Authorize", "SignCertificate", "Get15118EVCertificate", "GetCertificateStatus")}
_VERSION = Dialect201.version
PROTOCOL, CODES = _VERSION.protocol, _VERSION.codes


def unpack(told: DataTransferred, asker: Asker, strict: bool, mending: Mending) -> Any:
    """The message inside, or `told` where it is none of these. Raises BadPayload."""
    if told.vendor_id.strip().lower() not in PNC_VENDORS:
        return told
    action = MESSAGES.get((told.message_id or "").strip().lower())
    if action is None:
        return told
    text = told.data if isinstance(told.data, str) else msgspec.json.encode(told.data).decode()
    payload = text.encode()
    flags: tuple[str, ...] = ()
    try:
        wire = _VERSION.decoders[action].decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if strict:
            raise BadPayload("FormationViolation", f"/data holds no {action}: {error}") from None
        try:
            wire, flags = mending.mend(_VERSION.requests[action], payload)
        except BadPayload as bad:
            raise BadPayload("FormationViolation", f"/data holds no {action}: {bad.detail}") from None
    return _VERSION.readers[action](wire, asker, flags, payload)


def pack(reply: Any) -> DataTransferResponse | None:
    """An actor's answer as the 2.0.1 response in `data`; None for what 2.0.1 has no words for."""
    writer = _VERSION.writers.get(type(reply))
    if writer is None:
        return None
    return DataTransferResponse(status="Accepted", data=msgspec.json.encode(writer(reply)).decode())
