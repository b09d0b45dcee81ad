"""Two brands on one node, each paid through a platform account of its own (MONEY 0, decision 1): apart in money, keys, webhooks
and trouble."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actors.model.ids import payment_address
from actors.payment.messages import AttemptOpened, OpenAttempt, TopUp
from config.doctor_payments import in_database
from gateways.payments.limits import DESK_PLACES
from gateways.payments.sandbox import Rule, open_sandbox
from runtime.address import Address
from storage.audit import audit
from tests.gateways.payments.brands import (
    ACCOUNTS,
    ACME,
    BETA,
    MERCHANTS,
    Brand,
    Town,
    config_of,
    furnished,
    open_stations,
    open_town,
    returned,
    secrets_of,
    settings_of,
    two_brands,
)  # fmt: skip
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


async def test_what_was_begun_on_an_account_ends_there_after_the_brand_has_another(fresh_dsn: str, tmp_path: Path) -> None:
    """A capture that the old account still owes: without its key it is kept and told, with it it is done where the hold is."""
    new = "acct_1PlatformOfAcmeNew"
    others = (config_of(BETA), config_of(ACME, new))
    async with open_sandbox(replace(config_of(ACME), others=others)) as sandbox:
        old, beta = secrets_of(ACME), secrets_of(BETA)
        first = settings_of(tmp_path, fresh_dsn, sandbox.url, {ACME: old, BETA: beta})
        async with open_town(sandbox, first) as town:
            await furnished(town)
            acme = town[ACME]
            assert (await acme.admin.put("/tenants/acme/wallets/w1", json={})).status_code == 201
            acme.platform.faults.add([Rule(call="POST /v1/payment_intents/*/capture", what="drop_before", times=None)])
            await top_up(town, "a1")
            await until(lambda: _is(town, "a1", "capturing", "capture_uncertain"))
        acme.platform.faults.clear()
        moved = {**secrets_of(ACME, new), "former": {}}
        async with open_town(sandbox, settings_of(tmp_path, fresh_dsn, sandbox.url, {ACME: moved, BETA: beta})) as town:
            await returned(town, acme)
            (told,) = await until(lambda: acme.events("merchant.platform"))
            assert (told.body["platform"], told.body["trouble"]) == (ACCOUNTS[ACME], "no_key")
            assert (told.body["setting"], told.body["payments"]) == ("stripe.brands.acme.former", 1)
            (found,) = [one async for one in in_database(town.node.domain.settings, town.node.domain.database)]
            assert (found.verdict, "1 payments of acme are open" in found.detail) == ("failed", True)
            assert "stripe.brands.acme.former" in found.remedy
            assert not (await acme.admin.get("/tenants/acme/merchants/swm")).json()["open"], "it is connected to the old one only"
            await top_up(town, "a2")
            await until(lambda: _is(town, "a2", "captured", "settled"))
        moved["former"] = {"until_2026": old}
        async with open_town(sandbox, settings_of(tmp_path, fresh_dsn, sandbox.url, {ACME: moved, BETA: beta})) as town:
            await returned(town, acme)
            await until(lambda: _is(town, "a1", "captured", "settled"))
            for attempt, platform in (("a1", ACCOUNTS[ACME]), ("a2", new)):
                row = await town.node.domain.queries.payment(ACME, attempt)
                assert row is not None
                assert (row.platform, row.captured_minor) == (platform, 5000)
                answer = await acme.admin.post(f"/tenants/acme/payments/{attempt}/refund", json={"reason": "asked for"})
                assert answer.status_code in (200, 201, 202), answer.text
                await until(lambda attempt=attempt: _is(town, attempt, "refunded"))  # type: ignore[misc]
                objects = sandbox.platforms[platform].world.objects.values()
                assert [obj["amount_received"] for obj in objects if obj["object"] == "payment_intent"] == [5000]
                assert [obj["amount"] for obj in objects if obj["object"] == "refund"] == [5000]
            # The merchant comes along once its account is connected to the new one.
            known = (await acme.admin.get("/tenants/acme/merchants/swm")).json()
            put = {name: known[name] for name in ("seller", "commission_percent", "account")}
            assert (await acme.admin.put("/tenants/acme/merchants/swm", json=put)).json()["platform"] == new
            await until(lambda: _open(acme))
            # Both accounts together are what the books have of the brand.
            put = {"seller": {"name": "Acme AG", "country": "DE"}}
            assert (await acme.admin.put("/tenants/acme/merchants/brand", json=put)).status_code == 201
            balance = await until(lambda: _compared(acme))
            assert balance["difference_minor"] == 0
        await acme.admin.aclose()


async def top_up(town: Town, attempt: str) -> None:
    order = OpenAttempt(TopUp("w1", 5000, "EUR"), "https://pay.example.org/", "https://pay.example.org/", "Top-up")
    to = Address(*payment_address(ACME, attempt))
    opened = await town.node.domain.system.ask(to, order, deadline=60)
    assert isinstance(opened, AttemptOpened), opened
    assert (await town.sandbox.driver.pay(opened.url or "", "frictionless")).paid


async def _is(town: Town, attempt: str, *states: str) -> bool:
    row = await town.node.domain.queries.payment(ACME, attempt)
    return row is not None and row.state in states


async def _open(brand: Brand) -> bool:
    return bool((await brand.admin.get(f"/tenants/{brand.tenant}/merchants/swm")).json()["open"])


async def _compared(brand: Brand) -> dict[str, Any] | None:
    page = await brand.admin.get(f"/tenants/{brand.tenant}/reconciliation")
    return next((one for one in page.json()["balances"] if one["account"] == "brand"), None)
