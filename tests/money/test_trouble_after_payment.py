"""What befalls a payment afterwards or midway, over sockets from the provider's webhook to the books: a dispute that is won or
lost, also of what was refunded, a hold that somebody captures in the provider's dashboard, an owner who takes our access away
while a driver charges, a payout that fails after it was paid. Each time the audit is silent."""

from pathlib import Path
from typing import Any

import pytest

from storage.audit import audit
from tests.gateways.web.pay.kit import SELLER
from tests.gateways.web.pay.street import ACCOUNT, Street, high_street
from tests.kits.patience import http_client
from tests.money.driver import T, begins_to_charge, charges_and_pays, payment

pytestmark = pytest.mark.postgres

DISPUTE_FEE = 2_000


async def _closing(street: Street, book: str) -> dict[str, int]:
    """Class of account -> closing balance of today, debit minus credit; without those at zero."""
    trial = (await street.admin.get(f"{T}/ledger/trial-balance", params={"book": book})).json()
    assert {total["off_by_minor"] for total in trial["totals"]} <= {0}
    return {item["account"]: item["closing_minor"] for item in trial["items"] if item["closing_minor"]}


async def _silent(street: Street) -> None:
    assert await audit(street.node.domain.database) == []


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_ends_in_the_books_as_it_ends_at_the_bank(fresh_dsn: str, tmp_path: Path, won: bool) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        paid, path = await charges_and_pays(street)
        before = await _closing(street, "swm")
        opened = await street.sandbox.driver.control("disputes", id=paid["charge"], reason="fraudulent")
        await payment(street, "disputed")
        page = (await street.admin.get(street.node.urls.http + path, headers={"Accept-Language": "en"})).text
        assert "payment disputed" in page
        between = await _closing(street, "swm")
        assert (between["1160"], between["5050"]) == (paid["captured"]["amount_minor"], DISPUTE_FEE)
        refused = await street.admin.post(f"{T}/payments/{paid['id']}/refund", json={"reason": "kindness"})
        assert refused.status_code == 422, "money that the bank has taken back is not given back again"
        handed_in = await street.admin.post(f"{T}/payments/{paid['id']}/evidence", json={"texts": {}})
        texts = handed_in.json()["texts"]
        assert "Wh were delivered" in texts["product_description"]
        assert "Strong customer authentication by the card's issuer: result authenticated" in texts["access_activity_log"]
        assert "receipt R-" in texts["uncategorized_text"], "by the number that the driver knows"

        await street.sandbox.driver.control("disputes/decide", id=opened["id"], won=won)
        await payment(street, "settled" if won else "dispute_lost")
        after = await _closing(street, "swm")
        assert "1160" not in after
        if won:
            assert {k: v for k, v in after.items() if k != "5050" and not k.startswith("11")} == {
                k: v for k, v in before.items() if not k.startswith("11")
            }
        else:
            assert "2300" not in after, "no VAT is owed on what was taken back"
            assert after["5060"] == -before["4000"], "what was sold is lost"
        await _silent(street)


async def test_what_was_refunded_and_then_disputed_is_in_the_books_as_the_provider_moved_it(
    fresh_dsn: str, tmp_path: Path
) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        paid, _ = await charges_and_pays(street)
        gross = paid["captured"]["amount_minor"]
        given = await street.admin.post(f"{T}/payments/{paid['id']}/refund", json={"reason": "broken plug"})
        assert given.status_code == 202, given.text
        await payment(street, "refunded")
        opened = await street.sandbox.driver.control("disputes", id=paid["charge"], reason="fraudulent")
        disputed = await payment(street, "disputed")
        assert (disputed["dispute"]["withdrawn_minor"], disputed["dispute"]["refunded_before_minor"]) == (gross, gross)
        handed_in = await street.admin.post(f"{T}/payments/{paid['id']}/evidence", json={"texts": {}})
        assert "were refunded to the same card" in handed_in.json()["texts"]["uncategorized_text"]
        await street.sandbox.driver.control("disputes/decide", id=opened["id"], won=False)
        await payment(street, "dispute_lost")
        after = await _closing(street, "swm")
        assert (after["5060"], after["5050"]) == (gross, DISPUTE_FEE)
        assert not {"1160", "2300", "4000"} & set(after)
        assert after.get("1100", 0) + after.get("1110", 0) == _at_the_provider(street)
        await _all_matched(street)
        await _silent(street)


async def test_what_somebody_captures_in_the_dashboard_beyond_the_cost_goes_back_by_itself(
    fresh_dsn: str, tmp_path: Path
) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        path = await begins_to_charge(street)
        (intent,) = street.held()
        headers = {"Authorization": f"Bearer {street.sandbox.world.config.secret_key}", "Stripe-Account": ACCOUNT}
        async with http_client(base_url=street.sandbox.url, headers=headers) as dashboard:
            taken = await dashboard.post(f"/v1/payment_intents/{intent}/capture")
            assert taken.status_code == 200, taken.text
        hold = taken.json()["amount_received"]
        paid = await payment(street, "settled")
        cost = paid["cost"]["incl"]["amount_minor"]
        assert 0 < cost < hold, "it was stopped in time"
        assert (paid["captured"]["amount_minor"], paid["excess"]["amount_minor"]) == (cost, hold - cost)

        async def given_back() -> bool:
            (item,) = (await street.admin.get(f"{T}/payments")).json()["items"]
            return [(one["status"], one["excess_minor"]) for one in item["refunds"]] == [("succeeded", hold - cost)]

        await street.until(given_back)
        page = (await street.admin.get(street.node.urls.http + path, headers={"Accept-Language": "en"})).text
        assert "were taken from your card by mistake" in page
        books = await _closing(street, "swm")
        assert "2400" not in books
        assert books.get("1100", 0) + books.get("1110", 0) == _at_the_provider(street)
        await _all_matched(street)
        await _silent(street)


async def test_where_the_brand_sells_at_an_owners_station_both_books_and_the_provider_agree(
    fresh_dsn: str, tmp_path: Path
) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        seller = {name: getattr(SELLER, name) for name in SELLER.__struct_fields__} | {"address": list(SELLER.address)}
        terms = {"seller": seller, "commission_percent": "5", "account": ACCOUNT, "sells": "brand"}
        assert (await street.admin.put(f"{T}/merchants/swm", json=terms)).status_code == 200
        paid, _ = await charges_and_pays(street)
        gross, fee = paid["captured"]["amount_minor"], paid["fee"]["amount_minor"]
        brand, owner = await _closing(street, "brand"), await _closing(street, "swm")
        assert brand["4110"] + brand["2300"] == -gross, "the brand has sold it, and owes its VAT"
        assert brand["5030"] + brand["1310"] == gross - fee == -(owner["4000"] + owner["2300"]), "and bought it of the owner"
        assert not {"4200", "2200"} & set(brand)
        part = await street.admin.post(
            f"{T}/payments/{paid['id']}/refund", json={"reason": "kindness", "amount_minor": gross // 2}
        )
        assert part.status_code == 202, part.text
        await payment(street, "refunded_partial")
        books = await _closing(street, "swm")
        assert books.get("1100", 0) + books.get("1110", 0) == _at_the_provider(street)
        await _all_matched(street)
        await _silent(street)


def _at_the_provider(street: Street) -> int:
    """All that the owner has there, in cents."""
    return sum(street.sandbox.world.balances[ACCOUNT].get("eur", [0, 0]))


async def _all_matched(street: Street) -> None:
    """The owner's account is compared with the books: each movement is booked by somebody, to the cent."""
    assert (await street.admin.post(f"{T}/merchants/swm/reconcile")).status_code == 204

    async def matched() -> bool:
        items = (await street.admin.get(f"{T}/reconciliation/items", params={"merchant": "swm"})).json()["items"]
        shown = [line for line in street.sandbox.world.objects.values() if line["object"] == "balance_transaction"]
        own = {line["id"] for line in shown if line["_account"] == ACCOUNT}
        return own == {item["id"] for item in items} and {item["state"] for item in items} == {"matched"}

    await street.until(matched)


async def test_an_owner_who_takes_our_access_away_stops_the_charge_and_the_sale(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        path = await begins_to_charge(street)
        await street.sandbox.driver.control("accounts/deauthorize", id=ACCOUNT)
        lost = await payment(street, "lost")
        assert (lost["reason"], lost["captured"]["amount_minor"]) == ("account_gone", 0)

        async def stopped() -> bool:
            return not street.station.busy

        await street.until(stopped)
        page = await street.admin.get(street.node.urls.http + path, headers={"Accept-Language": "en"})
        assert "You pay nothing" in page.text

        async def sells_nothing() -> bool:
            offer = (await street.admin.get(street.url, headers={"Accept-Language": "en"})).text
            return "Order with obligation to pay" not in offer

        await street.until(sells_nothing)
        merchant = (await street.admin.get(f"{T}/merchants/swm")).json()
        assert merchant["charges_enabled"] is False
        assert await _closing(street, "swm") == {}
        await _silent(street)


async def test_a_payout_that_fails_after_it_was_paid_is_money_on_the_account_again(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        await charges_and_pays(street)
        await street.sandbox.driver.control("clock", advance=4 * 86_400)
        made: dict[str, Any] = await street.sandbox.driver.control("payouts", account=ACCOUNT)
        (payout,) = made["payouts"]
        for step, status in (("", "pending"), ("payouts/pay", "paid"), ("payouts/fail", "failed")):
            if step:
                await street.sandbox.driver.control(step, id=payout["id"])

            async def known(status: str = status) -> bool:
                answer = await street.admin.get(f"{T}/payouts/{payout['id']}")
                return answer.status_code == 200 and answer.json()["status"] == status

            await street.until(known)
        books = await _closing(street, "swm")
        assert "1010" not in books
        assert "1020" not in books
        await _silent(street)
