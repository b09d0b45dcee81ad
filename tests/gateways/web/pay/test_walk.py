"""Scan, tariff, pay with the bank's challenge, charge, stop, receipt: the driver's whole way in a real browser, and the ways
in which it can go wrong, each with nothing taken and nothing left on hold."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.gateways.web.pay.kit import LOCATION, TARIFF
from tests.gateways.web.pay.street import ENOUGH_KWH, Browser, Street, drive, high_street
from tests.kits.browser import needs_chromium

pytestmark = [pytest.mark.postgres, pytest.mark.browser, pytest.mark.slow, needs_chromium]
CHALLENGE, FRICTIONLESS, NOT_ENROLLED = "4000000000003220", "4000000000003055", "4000002760003044"
"""Test cards of the sandbox (gateways/payments/sandbox/cards.py)."""


async def test_a_driver_scans_pays_charges_stops_and_gets_a_receipt(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        receipt: dict[str, Any] = {}

        def act(browser: Browser) -> None:
            page = browser.page
            browser.order(street.url)
            browser.pay(CHALLENGE)
            page.locator("#complete").click()
            browser.see("Charging")
            browser.charge_on()
            page.get_by_role("button", name="Stop charging").click()
            browser.see("Receipt")
            browser.shot("walk_receipt")
            receipt["text"] = page.inner_text("main")
            receipt["pdf"] = browser.fetch(page.get_by_role("link", name="Receipt as PDF"))

        assert await drive(act) == []
        await street.all_over()
        (row,) = await street.payments()
        assert row.captured_minor > 0
        assert row.state in ("captured", "settled")
        assert "Paid by card" in receipt["text"]
        assert f"{row.captured_minor / 100:.2f}" in receipt["text"]
        assert "Meter reading at the end" in receipt["text"]
        assert re.search(r"R-\d{4}-000001", receipt["text"]), "the number of the fiscal document"
        assert "of it 19 % VAT" in receipt["text"].replace("\u00a0", " ")
        assert receipt["pdf"].startswith(b"%PDF-")
        assert street.held() == []


async def test_a_price_that_changes_after_the_order_is_not_this_drivers(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        shown: list[str] = []
        dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 0.99, "vat": 19.0, "step_size": 1}]}]}

        def act(browser: Browser) -> None:
            browser.order(street.url)
            answer = trio.from_thread.run(partial(street.admin.put, "/tenants/acme/tariffs/adhoc", json=dearer))
            assert answer.status_code == 200
            browser.pay(FRICTIONLESS)
            browser.see("Charging")
            browser.charge_on()
            browser.page.get_by_role("button", name="Stop charging").click()
            browser.see("Receipt")
            shown.append(browser.page.inner_text("main"))

        assert await drive(act) == []
        assert "€0.59 per kWh" in shown[0]
        assert "0.99" not in shown[0]
        assert "€0.99" in (await street.admin.get(street.url)).text, "the next driver sees the new one"


async def test_a_charge_that_a_person_must_look_at_says_so_and_is_billed_on_the_same_page(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        station = {"evses": 1, "location": LOCATION, "merchant": "swm", "tariff": "adhoc"}  # 22 kW: this energy cannot be
        assert (await street.admin.put("/tenants/acme/stations/CS17", json=station)).status_code == 200

        def act(browser: Browser) -> None:
            browser.order(street.url)
            browser.pay(FRICTIONLESS)
            browser.see("Charging")
            browser.charge_on()
            browser.page.get_by_role("button", name="Stop charging").click()
            browser.see("Charging has ended; the bill takes longer")
            browser.page.get_by_text("You will not pay more than").wait_for()
            trio.from_thread.run(_billed, street)
            browser.page.reload()
            browser.see("Receipt")

        assert await drive(act) == []


async def _enough(street: Street) -> None:
    """Until so much has flowed that it can be paid for."""

    async def has() -> bool:
        (row,) = await street.payments()
        told = (await street.admin.get(f"/tenants/acme/sessions/{row.session}")).json()
        return bool(told["energy_wh"] and told["energy_wh"] > ENOUGH_KWH * 1000)

    await street.until(has)


async def _billed(street: Street) -> None:
    """An operator has looked and lets it be billed as it was recorded."""
    (row,) = await street.payments()
    answer = await street.admin.post(f"/tenants/acme/sessions/{row.session}/resolve", json={"action": "bill", "reason": "a test"})
    assert answer.status_code == 200, answer.text
    await street.all_over()


async def test_without_a_script_the_pages_load_themselves_and_it_is_the_same_way(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:

        def act(browser: Browser) -> None:
            browser.order(street.url, "Zahlungspflichtig bestellen")
            browser.pay(FRICTIONLESS)
            browser.see("Laden")
            browser.page.get_by_role("button", name="Laden beenden").wait_for()
            trio.from_thread.run(_enough, street)
            browser.page.get_by_role("button", name="Laden beenden").click()
            browser.see("Beleg")

        assert await drive(act, script=False, locale="de-DE") == []
        (row,) = await street.payments()
        assert row.captured_minor > 0
        assert row.quote["language"] == "de"


async def test_a_challenge_that_fails_holds_nothing_and_the_driver_may_try_again(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:

        def act(browser: Browser) -> None:
            browser.order(street.url)
            browser.pay(CHALLENGE)
            browser.page.locator("#fail").click()
            browser.page.get_by_role("alert").wait_for()
            browser.page.locator("#cancel").click()
            browser.see("Waiting for your payment")
            browser.page.get_by_text("You left the payment page. Nothing was paid.").wait_for()
            browser.page.get_by_role("button", name="Cancel").click()
            browser.see("You have cancelled")
            browser.page.get_by_role("link", name="Back to the charging point").click()
            browser.page.get_by_role("button", name="Order with obligation to pay").wait_for()

        assert await drive(act) == []
        await street.all_over()
        assert street.held() == []
        assert not street.station.busy


async def test_a_card_that_the_bank_did_not_vouch_for_starts_nothing(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:

        def act(browser: Browser) -> None:
            browser.order(street.url)
            browser.pay(NOT_ENROLLED)
            browser.see("Your bank did not confirm the payment")

        assert await drive(act) == []
        await street.all_over()
        assert street.held() == []
        assert not street.station.busy


async def test_a_start_that_the_station_refuses_is_told_and_released(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        street.connector.operative = False  # it has not told anybody yet

        def act(browser: Browser) -> None:
            browser.order(street.url)
            browser.pay(FRICTIONLESS)
            browser.see("Charging did not start")
            browser.page.get_by_text("The station refused to start.").wait_for()
            browser.page.get_by_text("Nothing was charged").wait_for()

        assert await drive(act) == []
        await street.all_over()
        (row,) = await street.payments()
        assert (row.captured_minor, row.reason) == (0, "start_rejected")
        assert street.held() == []


async def test_of_two_drivers_who_pay_the_second_is_told_and_keeps_his_money(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        told: list[str] = []

        def act(browser: Browser) -> None:
            browser.order(street.url)  # both have the payment page open
            trio.from_thread.run(_somebody_else, street)
            browser.pay(FRICTIONLESS)
            browser.see("Somebody else was faster")
            told.append(browser.page.inner_text("main"))
            browser.page.goto(street.url)
            browser.page.get_by_text("Somebody is charging here").wait_for()

        assert await drive(act) == []
        assert "are released" in told[0]
        rows = {row.state: row for row in await street.payments()}
        assert len(rows) == 2
        assert "charging" in rows
        await street.until(lambda: _held_is(street, 1))


async def _somebody_else(street: Street) -> None:
    """Another driver orders by HTTP alone, pays and begins to charge."""
    page = await street.admin.get(street.url)
    form = re.search(r'name="order" value="([^"]+)"', page.text)
    assert form is not None
    answer = await street.admin.post(street.url, data={"order": form[1], "consent": "yes"})
    assert answer.status_code == 303
    outcome = await street.sandbox.driver.pay(answer.headers["Location"], "frictionless")
    assert outcome.paid, outcome.error
    await street.admin.get(outcome.url or "")

    async def charges() -> bool:
        paid = any(row.state == "charging" for row in await street.payments())
        return paid and "Somebody is charging here" in (await street.admin.get(street.url)).text

    await street.until(charges)


async def _held_is(street: Street, number: int) -> bool:
    return len(street.held()) == number


async def _gone(street: Street) -> bool:
    return "Not connected" in (await street.admin.get(street.url)).text


async def test_a_station_that_goes_offline_is_not_sold(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street, trio.open_nursery() as nursery:
        nursery.start_soon(street.station.lose_network, 600)
        await street.until(partial(_gone, street))

        def act(browser: Browser) -> None:
            browser.page.goto(street.url)
            browser.page.get_by_text("No payment is offered").wait_for()
            assert browser.page.get_by_role("button").count() == 0

        assert await drive(act) == []
        nursery.cancel_scope.cancel()


async def test_a_station_that_is_away_for_a_moment_while_the_driver_pays_starts_when_it_is_back(
    fresh_dsn: str, tmp_path: Path
) -> None:
    async with high_street(fresh_dsn, tmp_path) as street, trio.open_nursery() as nursery:
        away = trio.CancelScope()

        async def be_away() -> None:
            with away:
                await street.station.lose_network(600)

        def act(browser: Browser) -> None:
            browser.order(street.url)
            trio.from_thread.run_sync(nursery.start_soon, be_away)
            trio.from_thread.run(street.until, partial(_gone, street))
            browser.pay(FRICTIONLESS)
            browser.see("The station is starting")
            browser.page.get_by_text("are released by themselves").wait_for()
            trio.from_thread.run_sync(away.cancel)
            browser.see("Charging")

        assert await drive(act) == []


async def test_the_driver_who_leaves_the_payment_page_can_come_back_to_it(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:

        def act(browser: Browser) -> None:
            browser.order(street.url)
            browser.page.locator("#cancel").click()
            browser.see("Waiting for your payment")
            browser.page.get_by_role("link", name="To the payment").click()
            browser.pay(FRICTIONLESS)
            browser.see("Charging")

        assert await drive(act) == []


async def test_keys_alone_are_enough_to_order(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:

        def act(browser: Browser) -> None:
            page = browser.page
            page.goto(street.url)
            for _ in range(40):
                page.keyboard.press("Tab")
                if page.locator("#consent:focus").count():
                    break
            page.keyboard.press("Space")
            page.keyboard.press("Tab")
            assert page.locator("button:focus").inner_text() == "Order with obligation to pay"
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="Reserve").wait_for()

        assert await drive(act) == []
