"""The driver's own page of a payment, in every state that a payment can be in, and the receipt at its end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.model.money import Cost, Money
from actors.model.rows import EventRow
from actors.payment.phases import TABLE
from gateways.web import limits
from gateways.web.pay.stages import _OF_STATE, STAGES, stage_of
from gateways.web.pay.token import Tokens
from tests.gateways.web.pay.kit import COST, ENDED, Lot, cdr, document, furnish, parking_lot, payment, session, taken
from tests.gateways.web.pay.test_landing import text
from tests.gateways.web.rig import serving
from tests.kits.patience import PATIENCE, http_client

A = "a" + "0" * 23 + "1"
PAID: dict[str, Any] = {"session": "s1", "captured_minor": 1475, "cost": COST, "charge": "ch_1", "journals": ["j1"]}
REFUND = {"id": "r1", "amount_minor": 500, "status": "succeeded", "at": "2026-03-04T10:00:00Z"}

CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("opening", "quoted", {}, "nothing was charged", "es wurde nichts abgebucht"),
    ("paying", "checkout_open", {"checkout_url": "https://checkout.stripe.com/c/1"}, "To the payment", "Zur Zahlung"),
    ("checking", "authorised", {}, "We check your bank's confirmation", "Wir prüfen die Bestätigung Ihrer Bank"),
    ("checking", "proof_ok", {}, "€50.00 are held", "50,00 € sind vorgemerkt"),
    ("starting", "starting", {}, "plug in the vehicle", "stecken Sie das Fahrzeug"),
    ("charging", "charging", {"session": "s0"}, "Stop charging", "Laden beenden"),
    ("settling", "rated", {"session": "s1"}, "an authorisation, not a payment", "eine Autorisierung, keine Zahlung"),
    ("settling", "capturing", {"session": "s1"}, "receipt appears here", "Beleg erscheint hier"),
    ("settling", "capture_uncertain", {"session": "s1"}, "receipt appears here", "Beleg erscheint hier"),
    ("held_up", "capture_failed", {"session": "s1"}, "Somebody has to look", "muss sich jemand ansehen"),
    ("receipt", "captured", PAID, "Paid by card", "Mit Karte bezahlt"),
    ("receipt", "settled", PAID, "of it 19 % VAT on €14.75", "darin 19 % USt. aus 14,75 €"),
    ("part_refunded", "refunded_partial", {**PAID, "refunds": [REFUND], "refunded_minor": 500}, "−€5.00", "−5,00 €"),
    ("refunded", "refunded", {**PAID, "refunded_minor": 1475}, "Receipt, refunded", "Beleg, erstattet"),
    ("disputed", "disputed", PAID, "take this payment back", "Zahlung zurückholen"),
    ("disputed", "dispute_lost", PAID, "Receipt, payment disputed", "Beleg, Zahlung bestritten"),
    ("expired", "expired", {"reason": "page_expired"}, "not finished in time", "nicht rechtzeitig abgeschlossen"),
    ("cancelled", "expired", {"reason": "cancelled"}, "You have cancelled", "Sie haben abgebrochen"),
    ("cancelled", "released", {"reason": "cancelled"}, "You have cancelled", "Sie haben abgebrochen"),
    ("declined", "expired", {"reason": "psp_away"}, "could not be reached", "war nicht erreichbar"),
    ("declined", "released", {"reason": "card_declined"}, "The payment was refused", "Die Zahlung wurde abgelehnt"),
    ("not_proven", "proof_refused", {"reason": "sca_refused"}, "did not confirm", "nicht bestätigt"),
    ("not_proven", "released", {"reason": "sca_refused"}, "did not confirm", "nicht bestätigt"),
    ("taken", "releasing", {"reason": "evse_claimed"}, "Somebody else was faster", "Jemand anderes war schneller"),
    ("too_often", "released", {"reason": "evse_too_often"}, "try again in an hour", "versuchen Sie es in einer Stunde"),
    ("unfit", "releasing", {"reason": "evse_faulted"}, "stopped being usable", "unbenutzbar geworden"),
    ("failed", "start_failed", {"reason": "start_rejected"}, "refused to start", "Start abgelehnt"),
    ("failed", "released", {"reason": "start_offline"}, "was not connected", "nicht verbunden"),
    ("failed", "released", {"reason": "start_timeout"}, "plugged in in time", "nicht rechtzeitig ein Fahrzeug"),
    ("waived", "released", {"reason": "below_minimum", "session": "s1"}, "nothing is taken", "wird nichts von Ihrer Karte"),
    ("waived", "settled", {"session": "s1", "excess_minor": 5000}, "€50.00 were taken from your card", "50,00 € abgebucht"),
    ("failed", "settled", {"reason": "start_timeout", "excess_minor": 5000}, "They go back to it", "Sie werden erstattet"),
    ("receipt", "settled", {**PAID, "excess_minor": 3525}, "€35.25 more than this charge cost", "versehentlich 35,25 € mehr"),
    ("lost", "lost", {"reason": "hold_ended", "session": "s1"}, "The hold on your card ended", "Vormerkung auf Ihrer Karte"),
]  # fmt: skip


def furnished(lot: Lot, state: str, **fields: Any) -> str:
    """Path of the page of a payment in this state, whose sessions are there."""
    now = datetime.now(UTC)
    msgspec.structs.force_setattr(lot.rig.env, "now", lambda: now)
    running = session(id="s0", started_at=now - timedelta(minutes=42), cost=RUNNING)
    lot.rig.rows.write(1, [payment(A, state, code=lot.code, **fields), running, session(**ENDED), cdr(), taken()])
    return f"s/{lot.token(A)}"


RUNNING = Cost(Money(600, "EUR"), Money(728, "EUR"))


@pytest.mark.parametrize(("stage", "state", "fields", "english", "german"), CASES)
async def test_every_state_has_a_page_that_says_what_is(
    stage: str, state: str, fields: dict[str, Any], english: str, german: str
) -> None:
    async with parking_lot() as lot:
        path = furnished(lot, state, **fields)
        for language, wanted in (("en", english), ("de", german)):
            answer = await lot.get(path, language=language)
            assert answer.status_code == 200
            assert wanted in text(answer.text)
            assert ("data-stage" in answer.text) == STAGES[stage].busy
            assert ("http-equiv" in answer.text) == STAGES[stage].busy, "without a script what moves loads itself again"
            assert "style=" not in answer.text
            assert len(answer.content) < limits.PAY_PAGE_BYTES - 20_000


def test_every_state_of_a_payment_has_a_page_of_its_own() -> None:
    phases = {phase for line in TABLE for phase in (line[0], line[2])} - {"new"}
    afterwards = {"refunded", "refunded_partial", "disputed", "dispute_lost"}
    assert phases | afterwards == set(_OF_STATE) | {"releasing", "released", "expired"}
    assert {case[0] for case in CASES} | {"stopping"} == set(STAGES)
    for stage, state, fields, _, _ in CASES:
        ended = session(**ENDED) if fields.get("session") == "s1" else None
        assert stage_of(payment(A, state, **fields), ended).name == stage, state


async def test_a_running_charge_shows_energy_time_and_cost_and_can_be_stopped() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "charging", session="s0")
        answer = await lot.get(path, language="de")
        said = text(answer.text)
        assert "12,34 kWh" in said
        assert "42 min" in said
        assert "7,28 €" in said
        assert f'action="/pay/acme/{path}/stop"' in answer.text
        assert "Die Station hat den Befehl zum Beenden" in (await lot.get(path + "?stopping=1", language="de")).text


async def test_a_charge_that_ended_oddly_is_not_called_finished() -> None:
    held_up = session(**{**ENDED, "state": "quarantined", "phase": "quarantined"})
    assert stage_of(payment(A, "charging", session="s1"), held_up).name == "held_up"
    assert stage_of(payment(A, "charging", session="s1"), session(**ENDED)).name == "settling"
    assert stage_of(payment(A, "charging", session="s1"), session(**{**ENDED, "unpriced": True})).name == "held_up"


async def test_the_receipt_says_what_was_delivered_by_whom_and_what_it_cost() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "captured", **PAID)
        lot.rig.rows.write(1, [document(A)])
        said = text((await lot.get(path, language="de")).text)
        wanted = (
            "R-2026-000001", "02.03.2026, 15:06 CET",
            "25,000 kWh", "2 h 05 min", "14,75 €", "2,35 €", "Energie, 25,000 kWh, 0,59 € je kWh",
            "Stadtwerke Müllheim GmbH", "DE123456789",
            "ch_1", "s1", "CS17, EVSE 1", "02.03.2026, 13:00 CET", "02.03.2026, 15:05 CET",
            "Parkhaus Süd", "50,00 € waren vorgemerkt",
        )  # fmt: skip
        assert [part for part in wanted if part not in said] == []


async def test_a_charge_without_a_document_shows_what_its_cdr_says() -> None:
    async with parking_lot() as lot:
        said = text((await lot.get(furnished(lot, "captured", **PAID), language="de")).text)
        assert [
            part for part in ("Energie", "14,75 €", "darin 19 % USt. aus 14,75 €", "Stadtwerke Müllheim GmbH") if part not in said
        ] == []


async def test_the_receipt_is_a_pdf_in_the_drivers_language_with_umlauts() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "settled", **PAID)
        answer = await lot.get(path + "/receipt.pdf", language="de")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert "text/html" in (await lot.get(furnished(lot, "charging", session="s0") + "/receipt.pdf")).headers["Content-Type"]


async def test_before_the_capture_there_is_no_receipt() -> None:
    async with parking_lot() as lot:
        for state in ("authorised", "charging", "rated", "capturing"):
            path = furnished(lot, state)
            assert (await lot.get(path + "/receipt.pdf")).status_code == 404
            assert "Receipt as PDF" not in (await lot.get(path)).text


def test_a_token_opens_one_attempt_of_one_tenant_and_nothing_else() -> None:
    tokens, others = Tokens(bytes(32)), Tokens(b"k" * 32)
    token = tokens.token("acme", A)
    assert tokens.attempt("acme", token) == A
    assert tokens.attempt("brand", token) is None
    assert others.attempt("acme", token) is None
    other = "a" + "0" * 23 + "2"
    assert tokens.attempt("acme", other + token[25:]) is None
    for wrong in ("", "x", token[:-1], token + "0", token.upper(), A, "é" * 57):
        assert tokens.attempt("acme", wrong) is None


async def test_a_token_that_we_did_not_make_finds_nothing() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "captured", **PAID)
        forged = path[:-1] + ("0" if path[-1] != "0" else "1")
        for wrong in (forged, forged + "/receipt.pdf", forged + "/live", forged + "/signed.txt", "s/" + A):
            assert (await lot.get(wrong)).status_code == 404
        for order in ("stop", "cancel"):
            assert (await lot.client.post(f"/pay/acme/{forged}/{order}")).status_code == 404
        answer = await lot.client.get(f"/pay/brand/{path}")
        assert answer.status_code == 404


async def test_a_top_up_has_no_page_here() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "captured", purpose="topup", wallet="w1")
        assert (await lot.get(path)).status_code == 404


async def test_an_order_that_comes_from_another_site_is_refused() -> None:
    async with parking_lot() as lot:
        path = furnished(lot, "charging", session="s0")
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert (await lot.client.post(f"/pay/acme/{path}/stop", headers=headers)).status_code == 403


async def test_the_stream_tells_the_stage_at_once_and_whenever_something_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_TICK_SECONDS", 10 * PATIENCE)  # so that it is the event that wakes it
    async with serving() as (rig, url):
        lot = await furnish(rig)
        path = furnished(lot, "charging", session="s0")
        told: list[Any] = []
        async with http_client(base_url=url) as client:
            assert (await client.head(f"/pay/acme/{path}/live")).status_code == 200
            async with client.stream("GET", f"/pay/acme/{path}/live", headers={"Accept-Language": "de"}) as stream:
                async for line in stream.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    told.append(msgspec.json.decode(line[6:]))
                    if len(told) == 1:
                        rows = [payment(A, "captured", code=lot.code, **PAID), happened(A)]
                        lot.rig.rows.write(2, rows)
        assert [news["stage"] for news in told] == ["charging", "receipt"], "and it ends where nothing moves any more"
        assert told[0]["values"] == {"energy": "12,34\u00a0kWh", "time": "42\u00a0min", "cost": "7,28\u00a0€"}


def happened(attempt: str) -> EventRow:
    return EventRow(tenant="acme", kind="payment.captured", subject=attempt, at=datetime.now(UTC), body={})
