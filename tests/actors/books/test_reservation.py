"""Reservations begin when the station accepted them, and end once."""

from datetime import timedelta
from typing import Any

import pytest

from actors.evse.messages import EvseReserved, EvseUnreserved
from actors.limits import DomainLimits
from actors.model.decision import Decision
from actors.model.ids import evse_address
from actors.model.intents import CancelReservation, CommandResult
from actors.model.rows import BookRow
from actors.model.token import IdToken
from actors.reservation import messages as m
from actors.reservation.decide import decide
from actors.reservation.state import ReservationState, apply
from actors.station.letters import IntentDone
from actors.station.messages import Done
from tests.actors.kit import T0

HERE = ("acme", "reservation", "CP-1")
LIMITS = DomainLimits(reservations_open=3)
END = T0 + timedelta(hours=1)


class Book:
    def __init__(self) -> None:
        self.state = ReservationState()

    def tell(self, message: Any) -> Decision:
        told = decide(HERE, self.state, message, T0, LIMITS)
        for fact in told.facts:
            self.state = apply(self.state, fact)
        return told

    def reserve(self, id: int = 1, status: str = "Accepted") -> Decision:
        return self.tell(m.ReservationDone(id, IdToken("tok_1", "04…81"), END, status, T0, 1))


def shown(decision: Decision) -> list[str]:
    return [row.body.get("state", "gone") for row in decision.rows if isinstance(row, BookRow)]


def test_only_an_accepted_reservation_is_kept_and_its_end_is_a_durable_timer() -> None:
    book = Book()
    assert not book.reserve(status="Occupied").facts
    told = book.reserve()
    assert shown(told) == ["reserved"]
    assert told.timers[0].at is not None
    assert told.timers[0].at > END


@pytest.mark.parametrize(
    ("message", "how"),
    [
        (m.ReservationUsed(1, "s1", T0), "used"),
        (m.ReservationStatus(1, "Expired"), "expired"),
        (m.ReservationStatus(1, "Removed"), "removed"),
        (IntentDone(CancelReservation(1), CommandResult("Accepted"), T0), "cancelled"),
        (IntentDone(CancelReservation(1), CommandResult("Rejected"), T0), "removed"),
        (m.ReservationDue(1, END), "expired"),
    ],
)
def test_a_reservation_ends_once_whoever_says_so_first(message: Any, how: str) -> None:
    book = Book()
    book.reserve()
    told = book.tell(message)
    assert shown(told) == [how]
    assert told.timers[0].at is None
    for later in (m.ReservationStatus(1, "Removed"), m.ReservationUsed(1, "s2", T0), m.ReservationDue(1, END)):
        assert not book.tell(later).facts
    assert book.tell(m.ReservationStatus(1, "Expired")).reply == Done()


def test_a_timer_of_a_reservation_that_was_replaced_says_nothing() -> None:
    book = Book()
    book.reserve()
    assert not book.tell(m.ReservationDue(1, END - timedelta(minutes=1))).facts


def test_both_lists_are_bounded() -> None:
    book = Book()
    for id in range(1, 6):
        book.reserve(id)
    assert list(book.state.open) == [3, 4, 5]
    for id in range(100, 100 + DomainLimits().reservations_over):
        book.reserve(id)
        told = book.tell(m.ReservationStatus(id, "Expired"))
    assert shown(told) == ["gone", "expired"]
    assert len(book.state.over) == DomainLimits().reservations_over


def test_the_evse_that_a_reservation_names_hears_of_it_and_of_its_end() -> None:
    book = Book()
    made = book.reserve()
    (letter,) = made.letters
    assert letter.to == evse_address("acme", "CP-1", 1)
    assert letter.message == EvseReserved(1, "tok_1", END)
    assert book.reserve().letters == made.letters, "the same again: nothing is let go in between"
    (letter,) = book.tell(m.ReservationUsed(1, "s1", T0)).letters
    assert (letter.to, letter.message) == (evse_address("acme", "CP-1", 1), EvseUnreserved(1))


def test_the_oldest_reservation_that_has_to_go_frees_its_evse() -> None:
    book = Book()
    for id in (1, 2, 3):
        book.reserve(id)
    assert EvseUnreserved(1) in [letter.message for letter in book.reserve(4).letters]
