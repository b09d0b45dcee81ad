"""The book of display messages follows what the station confirmed."""

from datetime import timedelta
from typing import Any

from actors.display import messages as m
from actors.display.decide import decide
from actors.display.state import DisplayState, apply
from actors.limits import DomainLimits
from actors.model.decision import Decision
from actors.model.intents import (
    ClearDisplayMessage,
    CommandResult,
    DisplayMessage,
    GetDisplayMessages,
    MessageText,
    SetDisplayMessage,
)
from actors.model.rows import BookRow
from actors.station.letters import IntentDone
from actors.station.messages import Done
from tests.actors.kit import T0

HERE = ("acme", "display", "CP-1")


def message(id: int, text: str = "hello", **more: Any) -> DisplayMessage:
    return DisplayMessage(id, "NormalCycle", MessageText(text), **more)


class Book:
    def __init__(self) -> None:
        self.state = DisplayState()

    def tell(self, told: Any, minutes: float = 0) -> Decision:
        decision = decide(HERE, self.state, told, T0 + timedelta(minutes=minutes), DomainLimits())
        for fact in decision.facts:
            self.state = apply(self.state, fact)
        return decision

    def done(self, intent: Any, status: str = "Accepted", minutes: float = 0, request_id: int | None = None) -> Decision:
        return self.tell(IntentDone(intent, CommandResult(status), T0, request_id), minutes)


def test_a_message_is_held_when_accepted_replaced_by_its_id_and_gone_when_cleared() -> None:
    book = Book()
    book.done(SetDisplayMessage(message(1)), "NotSupportedPriority")
    assert not book.state.held
    book.done(SetDisplayMessage(message(1)))
    book.done(SetDisplayMessage(message(1, "other")))
    assert book.state.held[1].message.content == "other"
    told = book.done(ClearDisplayMessage(1))
    assert [row.deleted for row in told.rows if isinstance(row, BookRow)] == [True]
    assert not book.done(ClearDisplayMessage(1), "Unknown").facts


def test_a_message_whose_end_has_passed_is_gone_at_the_next_word() -> None:
    book = Book()
    book.done(SetDisplayMessage(message(1, end=T0 + timedelta(minutes=5))))
    book.done(SetDisplayMessage(message(2)), minutes=4)
    assert sorted(book.state.held) == [1, 2]
    book.done(SetDisplayMessage(message(3)), minutes=6)
    assert sorted(book.state.held) == [2, 3]


def test_a_complete_report_takes_away_what_it_was_about_and_did_not_name() -> None:
    book = Book()
    for id, state in ((1, "Idle"), (2, "Charging"), (3, None)):
        book.done(SetDisplayMessage(message(id, state=state)))
    book.done(GetDisplayMessages(state="Idle"), request_id=5)
    assert book.tell(m.DisplayPart(5, True, (message(3),))).reply == Done()
    assert book.tell(m.DisplayPart(5, False, (message(4, state="Idle"),))).reply == Done()
    assert sorted(book.state.held) == [2, 3, 4]


def test_unknown_means_that_there_are_none_of_these() -> None:
    book = Book()
    book.done(SetDisplayMessage(message(1)))
    book.done(GetDisplayMessages(), "Unknown", request_id=6)
    assert not book.state.held
