"""The order: what the driver agreed to goes into one attempt, however often the button is pressed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import trio

from actors.model import psp
from actors.model.rows import PaymentRow
from actors.ports import MerchantCard
from gateways.web import limits
from gateways.web.pay.guest import network_of
from gateways.web.pay.language import TERMS
from runtime.store import OutboxItem
from tests.gateways.web.pay.kit import SELLER, TARIFF, Lot, parking_lot
from tests.kits.patience import until

URL = "https://checkout.stripe.com/c/pay/cs_1"
_call = msgspec.json.Decoder(psp.AnyCall).decode


class Provider:
    """The payment provider's end of the outbox: opens a page for every wish, unless it is told otherwise."""

    def __init__(self, lot: Lot, url: str = URL) -> None:
        self.asked: list[psp.OpenCheckout] = []
        self.answer: Callable[[psp.OpenCheckout], Any] = lambda call: psp.CheckoutSeen(f"cs_{call.attempt}", "open", url)
        self.open = trio.Event()
        self.open.set()
        lot.rig.system.outbox.handle(psp.TOPIC, self.deliver)

    async def deliver(self, item: OutboxItem) -> Any:
        call = _call(item.effect.body)
        if not isinstance(call, psp.OpenCheckout):
            raise RuntimeError("nothing else is asked here")
        self.asked.append(call)
        await self.open.wait()
        return psp.PspAnswer(item.effect.id, call, self.answer(call))


def form_of(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="order" value="([^"]+)"', page.text)
    assert found is not None, "the page has an order button"
    return {"order": found[1], "consent": "yes"}


async def press(lot: Lot, form: dict[str, str], language: str = "de") -> httpx.Response:
    return await lot.client.post(f"/pay/acme/{lot.code}", data=form, headers={"Accept-Language": language})


async def payments(lot: Lot) -> list[PaymentRow]:
    return list((await lot.rig.queries.payments("acme", 10, None)).items)


async def test_the_order_leads_to_the_providers_page_and_is_written_down_as_it_was_agreed() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        before = datetime.now(UTC)
        answer = await press(lot, form_of(await lot.get(language="de")))
        assert (answer.status_code, answer.headers["Location"]) == (303, URL)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        (row,), (asked,) = await payments(lot), provider.asked
        tariff = (await lot.rig.queries.tariff("acme", "adhoc")).fingerprint
        quote = row.quote
        assert quote is not None
        assert (row.state, row.station, row.evse, row.hold_minor) == ("checkout_open", "CS17", 1, 4500)
        assert (quote["fingerprint"], quote["terms"], quote["language"], quote["merchant"]) == (tariff, TERMS, "de", "swm")
        assert len(quote["shown"]) == 32
        assert before <= datetime.fromisoformat(quote["clicked_at"].replace("Z", "+00:00")) <= datetime.now(UTC)
        assert (asked.amount_minor, asked.account, asked.fee_minor, asked.locale) == (4500, "acct_swm", 225, "de")
        token = lot.token(row.id)
        assert asked.success_url == f"http://test/pay/acme/s/{token}?back=1"
        assert asked.cancel_url == f"http://test/pay/acme/s/{token}?left=1"


async def test_a_second_click_is_the_same_attempt() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        for _ in range(2):
            answer = await press(lot, form)
            assert (answer.status_code, answer.headers["Location"]) == (303, URL)
        assert (len(await payments(lot)), len(provider.asked)) == (1, 1)


async def test_clicks_at_the_same_time_are_one_attempt_and_all_get_its_page() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        provider.open = trio.Event()
        form, answers = form_of(await lot.get()), []

        async def click() -> None:
            answers.append(await press(lot, form))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(click)
            await until(lambda: provider.asked)
            provider.open.set()
        assert {answer.headers["Location"] for answer in answers} == {URL}
        assert (len(await payments(lot)), len(provider.asked)) == (1, 1)


async def test_a_price_that_changed_between_page_and_click_is_shown_again_and_not_ordered() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 0.69, "vat": 19.0, "step_size": 1}]}]}
        assert (await lot.admin.put("/api/v1/tenants/acme/tariffs/adhoc", json=dearer)).status_code == 200
        answer = await press(lot, form, "en")
        assert answer.status_code == 409
        assert "The price has changed" in answer.text
        assert "€0.69" in answer.text
        assert provider.asked == []
        assert (await press(lot, form_of(answer))).headers["Location"] == URL


@pytest.mark.parametrize(
    ("change", "status", "wanted"),
    [
        ({"consent": ""}, 422, "Bitte kreuzen Sie das Feld"),
        ({"order": "ab.cd"}, 400, "nicht lesbar"),
        ({"order": "zz"}, 400, "nicht lesbar"),
        ({"order": ""}, 400, "nicht lesbar"),
    ],
)
async def test_what_is_not_a_whole_order_is_shown_again(change: dict[str, str], status: int, wanted: str) -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        answer = await press(lot, form_of(await lot.get()) | change)
        assert answer.status_code == status
        assert wanted in answer.text
        assert 'role="alert"' in answer.text
        assert (await payments(lot), provider.asked) == ([], [])


async def test_a_form_of_another_place_orders_nothing_here() -> None:
    async with parking_lot() as lot:
        Provider(lot)
        evses = (await lot.admin.get("/api/v1/tenants/acme/stations/CS17")).json()["evses"]
        await lot.status("Available", evse=2)
        other = form_of(await lot.get(evses[1]["code"]))
        assert (await press(lot, other)).status_code == 400
        assert await payments(lot) == []


async def test_a_page_that_was_open_for_long_is_shown_again() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        later = timedelta(seconds=limits.PAY_FORM_SECONDS + 1)
        msgspec.structs.force_setattr(lot.rig.env, "now", lambda: datetime.now(UTC) + later)
        answer = await press(lot, form)
        assert answer.status_code == 409
        assert "Diese Seite war lange offen" in answer.text
        assert provider.asked == []


async def test_a_place_that_was_taken_meanwhile_is_not_sold() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        await lot.status("Occupied", "Charging")
        answer = await press(lot, form)
        assert answer.status_code == 409
        assert "Hier lädt gerade jemand" in answer.text
        assert provider.asked == []


async def test_a_merchant_who_was_closed_meanwhile_sells_nothing() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        lot.rig.cards.put_merchant(MerchantCard("acme", "swm", SELLER, "acct_swm", False))
        answer = await press(lot, form)
        assert answer.status_code == 409
        assert "Kartenzahlung ist an diesem Platz nicht möglich" in answer.text
        assert provider.asked == []


async def test_a_provider_that_is_slow_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_OPEN_SECONDS", 0.2)
    async with parking_lot() as lot:
        provider = Provider(lot)
        provider.open = trio.Event()
        form = form_of(await lot.get())
        answer = await press(lot, form)
        await until(lambda: provider.asked)
        (row,) = await payments(lot)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/pay/acme/s/{lot.token(row.id)}")
        assert "Die Zahlungsseite wird geöffnet" in (await lot.get(f"s/{lot.token(row.id)}", language="de")).text
        provider.open.set()

        async def opened() -> bool:
            return (await payments(lot))[0].state == "checkout_open"

        await until(opened)
        page = await lot.get(f"s/{lot.token(row.id)}", language="de")
        assert f'href="{URL}"' in page.text
        assert (await press(lot, form)).headers["Location"] == URL, "the old page's button finds it, too"
        assert len(provider.asked) == 1


async def test_a_provider_that_refuses_says_so_on_a_page() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        provider.answer = lambda call: psp.PspRefused("account_invalid", "no such account")
        answer = await press(lot, form_of(await lot.get()))
        assert answer.status_code == 303
        page = await lot.client.get(answer.headers["Location"], headers={"Accept-Language": "de"})
        assert "Es wurde nichts abgebucht" in page.text
        assert f'href="/pay/acme/{lot.code}"' in page.text, "one may try again"


async def test_a_page_of_an_origin_that_our_policy_does_not_name_gets_a_link() -> None:
    async with parking_lot() as lot:
        Provider(lot, "https://pay.stadtwerke.example/c/1")
        answer = await press(lot, form_of(await lot.get()))
        assert answer.status_code == 200
        assert 'href="https://pay.stadtwerke.example/c/1"' in answer.text
        assert answer.headers["Refresh"] == "0; url=https://pay.stadtwerke.example/c/1"


async def test_an_order_from_another_site_is_refused() -> None:
    async with parking_lot() as lot:
        provider = Provider(lot)
        form = form_of(await lot.get())
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert (await lot.client.post(f"/pay/acme/{lot.code}", data=form, headers=headers)).status_code == 403
        assert provider.asked == []


async def test_a_driver_who_cancels_on_our_page_holds_nothing() -> None:
    async with parking_lot() as lot:
        Provider(lot)
        await press(lot, form_of(await lot.get()))
        (row,) = await payments(lot)
        path = f"/pay/acme/s/{lot.token(row.id)}"
        left = await lot.client.get(path + "?left=1")
        assert "You left the payment page. Nothing was paid." in left.text
        answer = await lot.client.post(path + "/cancel")
        assert (answer.status_code, answer.headers["Location"]) == (303, path)
        assert (await payments(lot))[0].reason == "cancelled"
        assert "You have cancelled" in (await lot.client.get(path)).text


async def test_there_is_nothing_to_stop_before_anything_began() -> None:
    async with parking_lot() as lot:
        Provider(lot)
        await press(lot, form_of(await lot.get()))
        (row,) = await payments(lot)
        answer = await lot.client.post(f"/pay/acme/s/{lot.token(row.id)}/stop")
        assert answer.status_code == 409
        assert "could not be asked to stop" in answer.text


async def _ordered(lot: Lot, address: str, *, again: bool = False) -> httpx.Response:
    """Scan and order from there; `again`: press the button twice."""
    transport = httpx.ASGITransport(app=lot.rig.app, client=(address, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as driver:
        form = form_of(await driver.get(f"/pay/acme/{lot.code}"))
        answers = [await driver.post(f"/pay/acme/{lot.code}", data=form) for _ in range(1 + again)]
    return answers[-1]


async def test_one_network_may_begin_so_many_payments_and_others_are_not_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_OPENS", 3)
    async with parking_lot() as lot:
        Provider(lot)
        # Whoever has IPv6 has all of its /64.
        codes = [(await _ordered(lot, f"2001:db8:1:2::{n}")).status_code for n in range(1, 6)]
        assert codes == [303] * 3 + [429] * 2
        said = await _ordered(lot, "2001:db8:1:2::77")
        assert "another connection (mobile data instead of Wi-Fi)" in said.text
        assert 0 < int(said.headers["Retry-After"]) <= limits.PAY_OPENS_WINDOW
        assert f'href="/pay/acme/{lot.code}"' in said.text
        assert (await _ordered(lot, "2001:db8:1:3::1")).status_code == 303
        assert (await _ordered(lot, "198.51.100.7")).status_code == 303


async def test_at_one_code_no_more_payments_are_begun_than_a_crowd_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_OPENS_OF_CODE", 4)
    async with parking_lot() as lot:
        Provider(lot)
        codes = [(await _ordered(lot, f"198.51.100.{n}")).status_code for n in range(1, 7)]
        assert codes == [303] * 4 + [429] * 2


async def test_a_second_click_begins_nothing_and_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAY_OPENS", 2)
    async with parking_lot() as lot:
        Provider(lot)
        assert [(await _ordered(lot, "198.51.100.9", again=True)).status_code for _ in range(2)] == [303, 303]


@pytest.mark.parametrize(
    ("address", "network"),
    [("198.51.100.7", "198.51.100.7"), ("::ffff:198.51.100.7", "198.51.100.7"), ("2001:db8::1%eth0", "2001:db8::/64"),
     ("nonsense", "nonsense"), (None, "")],
)  # fmt: skip
def test_an_address_belongs_to_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network
