"""What a driver finds who scans the code on an EVSE: all that the law wants said before the order, in every state."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from actors.model.rows import EvseRow
from actors.ports import MerchantCard
from gateways.web import limits
from gateways.web.pay.guest import Guest
from gateways.web.pay.place import status_of
from tests.gateways.web.pay.kit import SELLER, STATIONS, T0, TARIFF, parking_lot

TAGS = re.compile(r"<[^>]+>")


def text(html: str) -> str:
    """What a reader reads."""
    return re.sub(r"\s+", " ", unescape(TAGS.sub(" ", html))).replace("\u00a0", " ")


BUTTON = {"en": "Order with obligation to pay", "de": "Zahlungspflichtig bestellen"}
ORDER = {"en": ("per kWh", "per minute", "0.59"), "de": ("je kWh", "je Minute", "0,59")}
SAID = {
    "en": (
        "Stadtwerke Müllheim GmbH", "Bahnhofstraße 7", "VAT id: DE123456789", "laden@stadtwerke.example",
        "on behalf of the seller",
        "Charging point DE*ACM*E17*1", "Free", "CS17, EVSE 1, connector 1", "up to 22 kW",
        "€0.59 per kWh", "€0.10 per minute", "from 08:00 to 20:00", "from 4 h on after the start", "including 19 % VAT",
        "It begins 4 h after the start at the earliest", "never while the station or the grid holds power back",
        "€45.00 are held on your card. This is not the price", "Charging stops by itself when the cost reaches €",
        "The rest is released at once", "100 % from renewable sources", "transparency software",
        "Terms", "Privacy notice", "Schlichtungsstelle", "Helpline: +49 7631 555 0",
        "within 14 days", "I ask you to begin at once", "No account, no app and no e-mail address is needed",
    ),
    "de": (
        "Stadtwerke Müllheim GmbH", "Bahnhofstraße 7", "USt-IdNr.: DE123456789", "laden@stadtwerke.example",
        "im Auftrag des Verkäufers",
        "Ladepunkt DE*ACM*E17*1", "Frei", "CS17, EVSE 1, Anschluss 1", "bis 22 kW",
        "0,59 € je kWh", "0,10 € je Minute", "von 08:00 bis 20:00 Uhr", "ab 4 h nach dem Start", "einschließlich 19 % USt.",
        "Sie beginnt frühestens 4 h nach dem Start", "nie solange die Station oder das Netz den Strom zurückhält",
        "45,00 € werden auf Ihrer Karte vorgemerkt. Das ist nicht der Preis", "Das Laden endet von selbst, wenn die Kosten",
        "Der Rest wird sofort freigegeben", "100 % aus erneuerbaren Quellen", "Transparenzsoftware",
        "AGB", "Datenschutz", "Schlichtungsstelle", "Hotline: +49 7631 555 0",
        "binnen 14 Tagen widerrufen", "Ich verlange, dass Sie sofort beginnen",
        "Sie brauchen kein Konto, keine App und keine E-Mail-Adresse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
async def test_all_that_must_be_known_before_paying_is_said_in_both_languages(language: str) -> None:
    async with parking_lot() as lot:
        answer = await lot.get(language=language)
        said = text(answer.text)
        assert answer.status_code == 200
        assert [wanted for wanted in (*SAID[language], lot.code, BUTTON[language]) if wanted not in said] == []
        assert f'<html lang="{language}">' in answer.text
        energy, occupancy, price = ORDER[language]
        assert said.index(energy) < said.index(occupancy), "in the legal order"
        assert said.index(price) < said.index(BUTTON[language]), "the price comes before the button"


async def test_the_chosen_language_goes_before_the_browsers_and_stays_in_the_order() -> None:
    async with parking_lot() as lot:
        answer = await lot.get(f"{lot.code}?lang=de", language="en")
        assert BUTTON["de"] in answer.text
        assert f'action="/pay/acme/{lot.code}?lang=de"' in answer.text


STATES: list[tuple[str, dict[str, Any], str, str]] = [
    ("Occupied", {"detail": "Charging"}, "Somebody is charging here", "Hier lädt gerade jemand"),
    ("Reserved", {}, "reserved for somebody", "für jemanden reserviert"),
    ("Faulted", {}, "reports a fault", "meldet eine Störung"),
    ("Unavailable", {}, "out of service", "außer Betrieb"),
]


@pytest.mark.parametrize(("status", "more", "english", "german"), STATES)
async def test_a_place_that_cannot_be_used_says_why_and_sells_nothing(
    status: str, more: dict[str, Any], english: str, german: str
) -> None:
    async with parking_lot() as lot:
        await lot.status(status, **more)
        for language, wanted in (("en", english), ("de", german)):
            answer = await lot.get(language=language)
            assert wanted in text(answer.text)
            assert BUTTON[language] not in answer.text
            assert "0.59" in answer.text or "0,59" in answer.text, "the price may be read all the same"


async def test_a_cable_that_is_plugged_in_is_no_reason_to_turn_a_driver_away() -> None:
    async with parking_lot() as lot:
        await lot.status("Occupied", "Preparing")
        answer = await lot.get()
        assert "your cable is plugged in" in answer.text
        assert BUTTON["en"] in answer.text


async def test_no_payment_is_offered_at_a_station_that_is_not_connected() -> None:
    async with parking_lot(online=False) as lot:
        said = (await lot.get()).text
        assert "Not connected" in said
        assert "No payment is offered" in said
        assert BUTTON["en"] not in said


def test_what_an_evse_is_to_a_driver_follows_from_its_row() -> None:
    def row(**fields: Any) -> EvseRow:
        base: dict[str, Any] = {"status": "Available", "detail": "Available", "connectors": [], "session": None}
        return EvseRow(**{"tenant": "acme", "station": "s", "evse": 1, "code": "c", **base, "updated_at": T0, **fields})

    cases: list[tuple[EvseRow, str]] = [
        (row(), "free"),
        (row(claimed=True), "claimed"),
        (row(session="s1"), "occupied"),
        (row(session="s1", claimed=True), "occupied"),
        (row(status="Occupied", detail="Preparing"), "free"),
        (row(status="Occupied", detail="Occupied"), "free"),
        (row(status="Occupied", detail="SuspendedEV"), "occupied"),
        (row(status="Occupied", detail="Finishing"), "occupied"),
        (row(status="Faulted", detail="Faulted"), "faulted"),
        (row(status="Unknown", detail="Unknown"), "unknown"),
    ]
    assert [status_of(evse, True) for evse, _ in cases] == [wanted for _, wanted in cases]
    assert {status_of(evse, False) for evse, _ in cases} == {"offline"}


async def test_somebody_who_has_just_paid_is_seen_on_the_page() -> None:
    async with parking_lot() as lot:
        row = await lot.rig.queries.evse_by_code("acme", lot.code)
        lot.rig.rows.write(99, [type(row)(**{name: getattr(row, name) for name in row.__struct_fields__} | {"claimed": True})])
        said = (await lot.get(language="de")).text
        assert "Jemand bezahlt gerade" in said
        assert BUTTON["de"] not in said


NO_OFFERS: list[tuple[str, dict[str, Any] | None, str]] = [
    ("no tariff", None, "no price for charging without a contract"),
    (
        "a price per hour that has no price per minute",
        {**TARIFF, "elements": [{"price_components": [{"type": "TIME", "price": 2.50, "vat": 19.0, "step_size": 1}]}]},
        "no price for charging without a contract",
    ),
    (
        "free of charge",
        {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 0, "step_size": 1}]}]},
        "Charging is free here",
    ),
]


@pytest.mark.parametrize(("case", "tariff", "wanted"), NO_OFFERS)
async def test_what_cannot_be_sold_by_card_is_not(case: str, tariff: dict[str, Any] | None, wanted: str) -> None:
    async with parking_lot(tariff) as lot:
        said = (await lot.get()).text
        assert wanted in said, case
        assert BUTTON["en"] not in said


async def test_a_merchant_who_may_not_take_cards_now_sells_nothing() -> None:
    async with parking_lot() as lot:
        lot.rig.cards.put_merchant(MerchantCard("acme", "swm", SELLER, "acct_swm", False))
        said = (await lot.get()).text
        assert "Payment by card is not available" in said
        assert SELLER.phone in said, "the helpline can be asked"
        assert BUTTON["en"] not in said


async def test_a_code_that_nobody_has_and_a_tenant_that_is_none_are_404_pages() -> None:
    async with parking_lot() as lot:
        wrong = ("nothere", "x" * 200, "%00", "a%2Fb", "%ff", "%27%20OR%201=1")
        for path in ("/pay/nobody/" + lot.code, *(f"/pay/acme/{code}" for code in wrong)):
            answer = await lot.client.get(path, headers={"Accept-Language": "de"})
            assert answer.status_code == 404
            assert "Diesen Code kennen wir nicht" in answer.text


async def test_a_station_that_was_taken_away_sells_nothing() -> None:
    async with parking_lot() as lot:
        assert (await lot.admin.delete(f"{STATIONS}/CS17")).status_code == 204
        answer = await lot.get()
        assert answer.status_code in (200, 404)
        assert BUTTON["en"] not in answer.text


async def test_a_page_with_all_it_loads_is_small_and_needs_no_script() -> None:
    async with parking_lot() as lot:
        page = await lot.get(language="de")
        assert "<script" not in page.text
        sizes = [len(page.content)]
        for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            answer = await lot.client.get(asset)
            assert answer.status_code == 200
            sizes.append(len(answer.content))
        assert len(sizes) == 3
        assert sum(sizes) < limits.PAY_PAGE_BYTES


async def test_the_page_may_lead_to_the_payment_provider_and_nowhere_else() -> None:
    async with parking_lot() as lot:
        answer = await lot.get()
        policy = answer.headers["Content-Security-Policy"]
        assert "form-action 'self' https://checkout.stripe.com;" in policy
        assert "script-src 'self'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "style=" not in answer.text
        assert "form-action 'self';" in (await lot.get("nothere")).headers["Content-Security-Policy"]


async def test_a_crowd_that_loads_pages_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_VIEWS", 5)
    async with parking_lot() as lot:
        lot.rig.app.services.clock = lambda: 0.0
        codes = [(await lot.get()).status_code for _ in range(7)]
        assert codes == [200] * 5 + [429] * 2
        assert (await lot.get()).headers["Retry-After"]
        elsewhere = httpx.ASGITransport(app=lot.rig.app, client=("198.51.100.7", 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=elsewhere, base_url="http://test") as driver:
            assert (await driver.get(f"/pay/acme/{lot.code}")).status_code == 200, "one address does not shut the code to others"


async def test_a_bug_of_ours_is_a_page_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Guest, *args: Any, **values: Any) -> Any:
        monkeypatch.undo()
        raise RuntimeError("a bug")

    async with parking_lot() as lot:
        monkeypatch.setattr(Guest, "page", broken)
        answer = await lot.get()
        assert answer.status_code == 500
        assert "Something broke here" in answer.text
        assert "a bug" not in answer.text
