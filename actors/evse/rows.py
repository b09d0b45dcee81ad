"""What an EVSE shows to the outside: its row."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from actors.evse.state import EvseState
from actors.evse.statuses import evse_status
from actors.model.decision import AddressKey
from actors.model.rows import EvseRow


class Here(msgspec.Struct, frozen=True, gc=False):
    """Which EVSE this is: read from the actor's address."""

    tenant: str
    station: str
    evse: int

    @classmethod
    def at(cls, address: AddressKey) -> "Here":
        station, _, evse = address[2].rpartition("#")
        return cls(address[0], station, int(evse))


def evse_rows(here: Here, state: EvseState, now: datetime) -> Sequence[EvseRow]:
    """Nothing until the station has given the EVSE its permanent code."""
    if not state.code:
        return ()
    status, detail = evse_status([(c.status, c.detail) for c in state.connectors])
    connectors = [{"id": c.id, "status": c.status, "detail": c.detail, "error": c.error, "at": c.at} for c in state.connectors]
    row = EvseRow(
        tenant=here.tenant,
        station=here.station,
        evse=here.evse,
        code=state.code,
        status=status,
        detail=detail,
        connectors=connectors,
        session=state.session,
        updated_at=now,
        claimed=state.claim is not None,
    )
    return (row,)
