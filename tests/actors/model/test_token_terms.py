"""Where a token may charge, and what a station is told of it besides."""

from datetime import timedelta
from typing import Any

import pytest

from actors.model.token import Site, TokenCard, TokenNotes, TokenTerms, judge, notes_of
from tests.actors.kit import T0

SITES = (Site("CP-1"), Site("CP-2", (2, 3)))


def card(status: Any = "Accepted", **more: Any) -> TokenCard:
    return TokenCard("t", "ISO14443", status, "…", terms=TokenTerms(SITES, ("de",), 4), **more)


@pytest.mark.parametrize(
    ("station", "evse", "status"),
    [
        ("CP-1", None, "Accepted"), ("CP-1", 7, "Accepted"), ("CP-2", None, "Accepted"), ("CP-2", 0, "Accepted"),
        ("CP-2", 3, "Accepted"), ("CP-2", 1, "NotAllowedTypeEVSE"), ("CP-3", None, "NotAtThisLocation"),
        ("CP-3", 2, "NotAtThisLocation"),
    ],
)  # fmt: skip
def test_a_token_of_some_places_is_accepted_there_and_nowhere_else(station: str, evse: int | None, status: str) -> None:
    assert judge(card(), T0, station, evse).status == status


def test_what_is_wrong_with_the_token_itself_goes_before_its_place() -> None:
    assert judge(card("Blocked"), T0, "CP-3").status == "Blocked"
    assert judge(card(expires=T0 - timedelta(1)), T0, "CP-3").status == "Expired"
    assert judge(None, T0, "CP-1").status == "Unknown"


def test_a_station_hears_of_its_own_evses_alone() -> None:
    assert notes_of(card(), "CP-1") == TokenNotes((), ("de",), 4)
    assert notes_of(card(), "CP-2") == TokenNotes((2, 3), ("de",), 4)
    assert notes_of(TokenCard("t", "ISO14443", "Accepted", "…", terms=TokenTerms((Site("CP-1"),))), "CP-1") is None
    assert notes_of(TokenCard("t", "ISO14443", "Accepted", "…"), "CP-1") is None
    assert notes_of(None, "CP-1") is None
