"""What a session tells others in the commit of its turn, from wherever the turn comes (1.6 start or 2.x event)."""

from collections.abc import Sequence

from actors.model.decision import Letter
from actors.model.ids import RESERVATION, sibling_address
from actors.reservation.messages import ReservationUsed
from actors.session.rows import place_of
from actors.session.state import SessionState


def reservation_used(session: str, before: SessionState, after: SessionState) -> Sequence[Letter]:
    """To the keeper of the station's reservations: this one was used (H03)."""
    if after.reservation is None or before.reservation == after.reservation or after.started_at is None:
        return ()
    place = place_of(after)
    to = sibling_address(place.tenant, RESERVATION, place.station)
    return (Letter(to, ReservationUsed(after.reservation, session, after.started_at)),)
