"""The invoice of a session that is paid later: issued with its journal, by a brand that has said who it is."""

from actors.merchant.messages import Seller
from actors.model.decision import Decision
from actors.model.documents import invoice_id
from actors.model.rows import DocumentRow, JournalRow
from actors.model.token import TokenVerdict
from actors.session import messages as m
from actors.session.decide import decide
from actors.session.invoicing import documented
from tests.actors.kit import T0, at
from tests.actors.session.test_payer import LIMITS, TOKEN, Session, verdict

SELLER = Seller("Acme Charging GmbH", ("Hauptstr. 1", "10115 Berlin"), "DE", "DE123456789")


def booked(judged: TokenVerdict, wh: int = 11_000, seller: Seller | None = SELLER) -> tuple[Session, Decision]:
    session = Session()
    session.start(judged)
    before = session.state
    stop = m.Stop(wh, at(60), at(60), "Local")
    decision = decide("s1", before, stop, at(60), LIMITS)
    return session, documented("s1", before, decision, at(60), lambda _: seller)


def documents(decision: Decision) -> list[DocumentRow]:
    return [row for row in decision.rows if isinstance(row, DocumentRow)]


def test_the_turn_that_books_the_journal_issues_the_invoice() -> None:
    _, decision = booked(TokenVerdict("Accepted"))
    (row,) = documents(decision)
    (journal,) = [row for row in decision.rows if isinstance(row, JournalRow)]
    assert (row.id, row.kind, row.seller, row.ref, row.customer) == (invoice_id("s1"), "invoice", "brand", "s1", TOKEN.ref)
    assert row.gross_minor == sum(entry.amount_minor for entry in journal.entries if entry.side == "debit") == 595
    assert row.body["vat"] == [{"rate": "19", "net_minor": 500, "vat_minor": 95}]
    assert (row.body["started_at"], row.body["energy_wh"], row.body["station"]) == ("2026-03-02T12:00:00Z", 10_000, "CP-1")
    assert row.body["language"] == "de"


def test_there_is_none_without_a_seller_without_a_cost_or_where_a_card_pays() -> None:
    assert not documents(booked(TokenVerdict("Accepted"), seller=None)[1])
    assert not documents(booked(TokenVerdict("Accepted"), wh=1000)[1])
    assert not documents(booked(TokenVerdict("Accepted", payment="free"))[1])
    assert not documents(booked(verdict(limit=5000))[1])


def test_a_turn_that_books_nothing_is_left_as_it_is() -> None:
    session = Session()
    decision = session.start(TokenVerdict("Accepted"))
    assert documented("s1", session.state, decision, T0, lambda _: SELLER) is decision
