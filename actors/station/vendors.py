"""DataTransfer of vendors that we understand: which messages there are, and what a station says in them. Pure.

What a DataTransfer only carries (the certificates of ISO 15118 over 1.6) is unpacked by the dialect and never comes here. What
comes is answered as the specification has it: UnknownVendorId for a vendor that is not in the table, UnknownMessageId for one
of its messages that is not, both kept in the trace and told in the event feed. Names are compared without case.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from actors.model.decision import Decision
from actors.station import messages as m
from actors.station.decide import Station
from actors.station.rows import event

COST_VENDOR = "org.openchargealliance.costmsg"
"""Prices on the display (California; PROTOCOLS 2.8)."""
PNC_VENDOR = "org.openchargealliance.iso15118pnc"
PNC_VENDORS = (PNC_VENDOR, "iso15118")
"""Plug & Charge over 1.6 (PROTOCOLS 2.9), and what it was called before."""
_TEXT = 255

Handler = Callable[[Station, m.DataTransferred, datetime], Decision]


def decide_data(here: Station, told: m.DataTransferred, now: datetime) -> Decision:
    known = VENDORS.get(told.vendor_id.strip().lower())
    if known is None:
        return _unknown(here, told, "UnknownVendorId", now)
    handler = known.get((told.message_id or "").strip().lower())
    return handler(here, told, now) if handler is not None else _unknown(here, told, "UnknownMessageId", now)


def _unknown(here: Station, told: m.DataTransferred, status: str, now: datetime) -> Decision:
    """No row for an unknown vendor: some stations tell such things every minute."""
    reply = m.DataReply(status)
    if status == "UnknownVendorId":
        return Decision(reply=reply)
    body = {"vendor_id": told.vendor_id[:_TEXT], "message_id": (told.message_id or "")[:_TEXT], "status": status}
    return Decision(rows=(event(here.tenant, here.id, "station.data", now, **body),), reply=reply)


def _unplugged(here: Station, told: m.DataTransferred, now: datetime) -> Decision:
    """ConnectorUnplugged: the end of an idle fee that runs on after the stop. It is told to whoever bills such fees."""
    said = _object(told.data)
    body = {
        "vendor_id": COST_VENDOR,
        "message_id": "ConnectorUnplugged",
        "transaction_id": _plain(_field(said, "transactionId")),
        "at": _plain(_field(said, "timestamp")),
    }
    line = event(here.tenant, here.id, "station.data", now, **{name: value for name, value in body.items() if value is not None})
    return Decision(rows=(line,), reply=m.DataReply("Accepted"))


def _object(data: Any) -> Mapping[str, Any]:
    """JSON as text, as the papers have it, or as an object, as some stations send it; {} for anything else."""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return {}
    return data if isinstance(data, dict) else {}


def _field(said: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in said.items() if key.lower() == name.lower()), None)


def _plain(value: Any) -> str | int | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return value[:_TEXT] if isinstance(value, str) else value


VENDORS: dict[str, dict[str, Handler]] = {
    COST_VENDOR: {"connectorunplugged": _unplugged},
    **{vendor: {} for vendor in PNC_VENDORS},
}
"""Vendor -> message -> who answers it. Those of Plug & Charge that are known never come here."""
