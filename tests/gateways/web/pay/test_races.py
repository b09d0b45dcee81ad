"""Money that is given back from all sides at once, on a whole node: operators, the merchant's own dashboard, and once more."""

import re
from pathlib import Path

import pytest
import trio

from storage.audit import audit
from tests.gateways.web.pay.street import ACCOUNT, Street, high_street
from tests.kits.patience import http_client

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


async def charge(street: Street) -> str:
    """A session that was paid for; the payment's id."""
    async with http_client() as phone:
        form = re.search(r'name="order" value="([^"]+)"', (await phone.get(street.url)).text)
        assert form is not None
        ordered = await phone.post(street.url, data={"order": form[1], "consent": "1"})
        paid = await street.sandbox.driver.pay(ordered.headers["location"], "frictionless")
        assert paid.url is not None

        async def flowed() -> bool:
            sessions = (await street.admin.get("/tenants/acme/sessions")).json()["items"]
            return any((session["energy_wh"] or 0) > 1500 for session in sessions)

        await street.until(flowed)
        stopped = await phone.post(paid.url.partition("?")[0] + "/stop")
        assert stopped.status_code == 303
    await street.all_over()
    (row,) = await street.payments()
    return str(row.id)


async def test_refunds_from_all_sides_give_back_what_was_taken_and_no_cent_more(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        attempt = await charge(street)
        (row,) = await street.payments()
        third = row.captured_minor // 3
        assert third > 0

        async def refund(amount: int | None) -> int:
            body = {"reason": "broken plug", **({} if amount is None else {"amount_minor": amount})}
            return (await street.admin.post(f"/tenants/acme/payments/{attempt}/refund", json=body)).status_code

        async def dashboard() -> None:
            params = {"payment_intent": row.intent, "amount": third}
            await street.sandbox.driver.control("dashboard", account=ACCOUNT, path="/v1/refunds", params=params)

        async with trio.open_nursery() as everybody:
            everybody.start_soon(dashboard)
            for amount in (third, third, None):
                everybody.start_soon(refund, amount)

        async def quiet() -> bool:
            (now,) = await street.payments()
            return all(one["status"] in ("succeeded", "failed") for one in now.refunds) and now.refunded_minor == given(street)

        await street.until(quiet)
        if given(street) < row.captured_minor:
            assert await refund(None) == 202
            await street.until(quiet)
        assert await refund(1) == 422
        (row,) = await street.payments()
        assert row.state == "refunded"
        assert row.refunded_minor == given(street) == row.captured_minor
        assert await audit(street.node.domain.database) == []


def given(street: Street) -> int:
    """What the provider gave back; what a capture leaves of a hold has no balance transaction."""
    objects = street.sandbox.world.objects.values()
    return sum(obj["amount"] for obj in objects if obj["object"] == "refund" and obj["balance_transaction"])
