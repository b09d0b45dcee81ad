"""Two brands on one node, each paid through a platform account of its own (MONEY 0, decision 1): apart in money, keys, webhooks
and trouble."""

from pathlib import Path
from typing import Any

import pytest

from config.doctor_payments import in_database
from gateways.payments.limits import DESK_PLACES
from gateways.payments.sandbox import Rule
from storage.audit import audit
from tests.gateways.payments.brands import ACCOUNTS, ACME, BETA, MERCHANTS, config_of, open_stations, two_brands
from tests.gateways.payments.signing import event, signed
from tests.kits.patience import http_client, until

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _server(fresh_dsn: str) -> None:
    """Started before the loop runs: the fixture of the server is synchronous."""


async def test_both_are_paid_refunded_and_compared_each_with_its_own_account(fresh_dsn: str, tmp_path: Path) -> None:
    async with two_brands(fresh_dsn, tmp_path) as town, open_stations(town):
        for tenant in (ACME, BETA):
            brand = town[tenant]
            paid = await brand.session()
            assert (paid.platform, paid.account) == (ACCOUNTS[tenant], MERCHANTS[tenant])
            (intent,) = brand.objects("payment_intent")
            assert (intent["id"], intent["amount_received"]) == (paid.intent, paid.captured_minor)
            refund = {"reason": "asked for", "amount_minor": 50}
            answer = await brand.admin.post(f"/tenants/{tenant}/payments/{paid.id}/refund", json=refund)
            assert answer.status_code in (200, 201, 202), answer.text

            async def refunded(brand=brand) -> bool:  # type: ignore[no-untyped-def]
                return any(row.refunded_minor == 50 for row in await brand.payments())

            await until(refunded)
            assert [refund["amount"] for refund in brand.objects("refund") if refund["balance_transaction"]] == [50]
            seller = {"seller": {"name": f"{tenant} AG", "country": "DE"}}
            answer = await brand.admin.put(f"/tenants/{tenant}/merchants/brand", json=seller)
            assert answer.status_code in (200, 201), answer.text

            async def compared(brand=brand) -> bool:  # type: ignore[no-untyped-def]
                page = await brand.admin.get(f"/tenants/{brand.tenant}/reconciliation")
                found = {one["account"]: one["difference_minor"] for one in page.json()["balances"]}
                return set(found) == {"brand", MERCHANTS[brand.tenant]}

            for merchant in ("brand", "swm"):
                answer = await brand.admin.post(f"/tenants/{tenant}/merchants/{merchant}/reconcile")
                assert answer.status_code in (200, 202, 204), answer.text
            await until(compared)
        assert town.received()["kept"] > 0
        assert not await audit(town.node.domain.database)


async def test_one_brands_outage_takes_no_payment_from_the_other(fresh_dsn: str, tmp_path: Path) -> None:
    """The one hangs, with more wishes on more accounts than the outbox hands out at a time; the other is paid as ever."""
    async with two_brands(fresh_dsn, tmp_path) as town, open_stations(town):
        acme, beta = town[ACME], town[BETA]
        mine = await acme.charges()
        acme.platform.faults.add([Rule(call="*", what="hang_before", times=None)])
        for n in range(DESK_PLACES + 8):
            merchant = {"seller": {"name": f"Owner {n}", "country": "DE"}, "account": f"acct_1AcmeOwner{n}"}
            answer = await acme.admin.put(f"/tenants/acme/merchants/m{n}", json=merchant)
            assert answer.status_code == 201, answer.text
        await acme.admin.post(f"{mine}/stop")
        desk = town.node.domain.payments.desk

        async def crowded() -> bool:
            return desk.stats().get("turned_away", 0) > 0

        await until(crowded)
        assert (await beta.session()).state == "settled"
        (kept,) = await acme.payments()
        assert kept.state not in ("captured", "settled", "lost")
        assert acme.objects("payment_intent")[0]["status"] == "requires_capture"


async def test_a_webhook_counts_only_with_its_own_brands_secret_and_about_its_own_affairs(fresh_dsn: str, tmp_path: Path) -> None:
    async with two_brands(fresh_dsn, tmp_path) as town, open_stations(town), http_client() as anyone:
        acme, beta = town[ACME], town[BETA]
        paid = await acme.session()
        before = await acme.payments()
        assert paid.intent is not None

        async def sent(tenant: str, secret: str, **told: Any) -> int:
            path = f"{town.node.urls.http}/stripe/{tenant}/webhook/connect"
            body = event(**told)
            answer = await anyone.post(path, content=body, headers={"stripe-signature": signed(body, secret)})
            return answer.status_code

        theirs = {"account": MERCHANTS[ACME], "id": paid.intent}
        # With acme's secret at beta's door, and the other way round: it is nobody's.
        assert await sent(BETA, f"whsec_connect_{ACCOUNTS[ACME]}", event_id="evt_1", **theirs) == 400
        assert await sent(ACME, f"whsec_connect_{ACCOUNTS[BETA]}", event_id="evt_2", **theirs) == 400
        assert await sent("gamma", f"whsec_connect_{ACCOUNTS[BETA]}", event_id="evt_3", **theirs) == 404
        # Rightly signed by beta, about what is acme's: by its account, or by our marks.
        secret = f"whsec_connect_{ACCOUNTS[BETA]}"
        marks = {"tenant": ACME, "attempt": paid.id, "key": "k"}
        gone = {"type": "account.application.deauthorized", "account": MERCHANTS[ACME], "id": "ca_beta"}
        assert await sent(BETA, secret, event_id="evt_4", **theirs) == 200
        assert await sent(BETA, secret, event_id="evt_5", **gone) == 200
        assert await sent(BETA, secret, event_id="evt_6", account=MERCHANTS[BETA], id=paid.intent, metadata=marks) == 200
        worker = town.node.domain.payments.worker

        async def worked_off() -> bool:
            return worker.stats().get("misrouted", 0) >= 3

        asked = len(beta.asked("/v1/payment_intents"))
        await until(worked_off)
        assert len(beta.asked("/v1/payment_intents")) == asked, "what is another brand's is not even asked for"
        assert await acme.payments() == before
        assert town.received()["forged"] == 2
        assert (await acme.admin.get("/tenants/acme/merchants/swm")).json()["onboarding"] == "done"
        # The same event may be told to both: each one's is kept.
        assert await sent(BETA, secret, event_id="evt_7", **gone) == 200
        assert await sent(ACME, f"whsec_connect_{ACCOUNTS[ACME]}", event_id="evt_7", **theirs) == 200
        assert town.received().get("repeated", 0) == 0


async def test_a_key_that_is_revoked_stops_the_sale_and_keeps_what_is_under_way(fresh_dsn: str, tmp_path: Path) -> None:
    async with two_brands(fresh_dsn, tmp_path) as town, open_stations(town):
        acme, beta = town[ACME], town[BETA]
        mine = await acme.charges()
        acme.platform.world.secret_key = "rk_test_exchanged"
        await acme.admin.post(f"{mine}/stop")

        async def told() -> bool:
            return bool(await acme.events("merchant.platform"))

        await until(told)
        (trouble,) = await acme.events("merchant.platform")
        assert trouble.body["trouble"] == "key_refused"
        assert trouble.body["platform"] == ACCOUNTS[ACME]
        assert "CSMS_STRIPE__BRANDS__ACME__SECRET_KEY" in trouble.body["setting"]
        assert trouble.body["payments"] == 1
        assert not await acme.offers()
        page = await acme.admin.get(acme.page, headers={"Accept-Language": "en"})
        assert "Payment by card is not available" in page.text
        assert not (await acme.admin.get("/tenants/acme/merchants/swm")).json()["open"]
        findings = [one async for one in in_database(town.node.domain.settings, town.node.domain.database)]
        (found,) = (one for one in findings if one.verdict == "failed")
        assert (found.check, "is refused" in found.detail) == ("card payments acme", True)
        assert "CSMS_STRIPE__BRANDS__ACME__SECRET_KEY" in found.remedy
        assert "rk_test" not in repr(findings)
        assert (await beta.session()).state == "settled"
        assert not await beta.events("merchant.platform")
        # The key is good again: the node finds it by itself, and takes what was left on the card.
        acme.platform.world.secret_key = config_of(ACME).secret_key
        await town.node.domain.payments.watch.once()
        assert (await acme.settled(set())).captured_minor > 0

        async def over() -> bool:
            return [one.body["trouble"] for one in await acme.events("merchant.platform")].count(None) == 1

        await until(over)
        assert await acme.offers()
        assert not [one async for one in in_database(town.node.domain.settings, town.node.domain.database)]
