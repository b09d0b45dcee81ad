"""The sandbox as a process of its own, whose state outlives it; and the promise that its memory has bounds."""

import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stripe

from gateways.payments.sandbox import Config, Sandbox, limits, open_sandbox
from gateways.payments.sandbox.world import bare
from tests.gateways.payments.sandbox.kit import CONFIG, MERCHANT, ON, OTHER, PATIENCE, client, held, order, sandboxed
from tests.kits.sandbox import sandbox_process


def talk_to(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        Config().secret_key, http_client=stripe.HTTPXClient(timeout=PATIENCE), max_network_retries=0,
        base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
    )  # fmt: skip


async def test_killed_it_goes_on_where_it_was_holds_keys_balances_and_clock(tmp_path: Path) -> None:
    capture: Any = {**ON, "idempotency_key": "cap:1"}
    wish: Any = {"amount_to_capture": 1234, "application_fee_amount": 62}
    async with sandbox_process(CONFIG, tmp_path) as run:
        api = talk_to(run.url)
        assert run.platform == Config().platform
        session = await api.v1.checkout.sessions.create_async(order(), ON)  # type: ignore[arg-type]
        assert (await run.driver.pay(str(session.url))).paid
        intent = (await api.v1.payment_intents.list_async({}, ON)).data[0]
        await run.driver.control("clock", advance=3600)
        await api.v1.payment_intents.capture_async(intent.id, wish, capture)
        before = await run.driver.look("money")
        await run.end(signal.SIGKILL)
    async with sandbox_process(CONFIG, tmp_path) as run:
        api = talk_to(run.url)
        after = await run.driver.look("money")
        assert after["accounts"] == before["accounts"]
        assert (after["consistent"], after["now"] >= before["now"]) == (True, True)
        assert (await api.v1.payment_intents.capture_async(intent.id, wish, capture)).amount_received == 1234
        await run.driver.control("clock", advance=4 * 86400)
        assert (await api.v1.balance.retrieve_async({}, ON)).available[0].amount == 1128
        assert await run.end() == 0


async def test_every_change_is_in_the_state_file(tmp_path: Path) -> None:
    """Whoever changes an object and forgets to say so is found here: what is read back is what was in memory."""
    async with sandboxed(CONFIG, state=tmp_path) as (sandbox, api):
        for card in ("challenge", "disputed", "refund_pending", "google_pay"):
            intent = await held(sandbox, api, card)
            await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 900}, ON)
            if card != "disputed":
                await api.v1.refunds.create_async(
                    {"payment_intent": intent.id, "amount": 100, "refund_application_fee": True}, ON
                )
        await held(sandbox, api)
        declined = await api.v1.checkout.sessions.create_async(order(), ON)  # type: ignore[arg-type]
        await sandbox.driver.pay(str(declined.url), "declined")
        await sandbox.driver.pay(str(declined.url), "challenge", challenge=False)
        saving = order(fee=None)
        saving["payment_intent_data"]["setup_future_usage"] = "off_session"
        saved = await api.v1.checkout.sessions.create_async(saving)  # type: ignore[arg-type]
        await sandbox.driver.pay(str(saved.url), "available_now")
        found = await api.v1.payment_intents.list_async()
        await api.v1.payment_intents.capture_async(found.data[0].id)
        transfer = await api.v1.transfers.create_async({"amount": 1000, "currency": "eur", "destination": OTHER})
        await api.v1.transfers.reversals.create_async(transfer.id, {"amount": 300})
        made = await api.v1.accounts.create_async({"country": "AT"})
        link = await api.v1.account_links.create_async(
            {
                "account": made.id,
                "type": "account_onboarding",
                "return_url": "https://a.example",
                "refresh_url": "https://b.example",
            }
        )
        await sandbox.driver.onboard(link.url)
        dispute = (await api.v1.disputes.list_async({}, ON)).data[0]
        await api.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}}, ON)
        await sandbox.driver.control("clock", advance=8 * 86400)
        payout = (await sandbox.driver.control("payouts", account=MERCHANT))["payouts"]
        for one in payout:
            await sandbox.driver.control("payouts/pay", id=one["id"])
        await sandbox.driver.control("accounts/deauthorize", id=made.id)
        before = msgspec.json.decode(msgspec.json.encode(sandbox.world.objects))
        balances = {name: dict(held) for name, held in sandbox.world.balances.items() if held}
        answers = dict(sandbox.world.answers)
    fresh = Sandbox(CONFIG, tmp_path)
    after = msgspec.json.decode(msgspec.json.encode(fresh.world.objects))
    assert set(after) == set(before)
    for name, obj in before.items():
        assert after[name] == obj, f"{obj['object']} {bare(obj)} was changed without saying so"
    assert {name: dict(held) for name, held in fresh.world.balances.items() if held} == balances
    assert fresh.world.answers == answers


async def test_a_half_written_last_line_is_left_out(tmp_path: Path) -> None:
    async with sandboxed(CONFIG, state=tmp_path) as (_, api):
        kept = await api.v1.customers.create_async({"email": "a@example.org"})
    with (tmp_path / "sandbox.jsonl").open("ab") as file:
        file.write(b'{"put": {"id": "cus_half", "object": "cus')
    async with open_sandbox(CONFIG, state=tmp_path) as again:
        found = await client(again).v1.customers.list_async()
        assert [one.id for one in found.data] == [kept.id]


async def test_memory_has_bounds(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "EVENTS_MOST", 20)
    monkeypatch.setattr(limits, "KEYS_MOST", 10)
    async with sandboxed() as (sandbox, api):
        for _ in range(40):
            await api.v1.customers.create_async({})
        assert len(sandbox.world.answers) == 10
        assert sum(obj["object"] == "event" for obj in sandbox.world.objects.values()) == 20
        assert len(sandbox.world.events) == 20
        monkeypatch.setattr(limits, "OBJECTS_MOST", 30)
        with pytest.raises(stripe.APIError, match="full"):
            await api.v1.customers.create_async({})
