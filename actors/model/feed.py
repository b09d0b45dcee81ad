"""A line of the event feed, as the actor that it is about writes it."""

from datetime import datetime
from typing import Any

from actors.model.decision import AddressKey
from actors.model.rows import EventRow


def event(here: AddressKey, kind: str, now: datetime, /, **body: Any) -> EventRow:
    """`here`: the actor's address, whose id is the subject. `kind`: dotted, `payment.refunded`."""
    return EventRow(tenant=here[0], kind=kind, subject=here[2], at=now, body=body)
