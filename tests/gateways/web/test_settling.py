"""Payments, payouts and reconciliation through the admin API."""

from datetime import UTC, datetime
from typing import Any

from actors.merchant import messages as m
from actors.model import psp
from actors.model.ids import merchant_address
from actors.model.rows import PaymentRow
from tests.gateways.web.rig import running
from tests.gateways.web.test_merchants import BODY, READY, T, provider
from tests.kits.patience import PATIENCE

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def payment(id: str, **fields: Any) -> PaymentRow:
    base: dict[str, Any] = {"purpose": "session", "state": "captured", "currency": "EUR", "hold_minor": 5000, "merchant": "m1"}
    return PaymentRow(**{"tenant": "acme", "id": id, **base, "created_at": NOW, "updated_at": NOW, **fields})


async def test_payments_are_listed_filtered_and_read() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        rig.rows.write(1, [payment("p1", captured_minor=1234), payment("p2", state="disputed"), payment("p3", tenant="other")])
        listed = (await acme.get(f"{T}/payments")).json()["items"]
        assert [item["id"] for item in listed] == ["p2", "p1"]
        assert [item["id"] for item in (await acme.get(f"{T}/payments", params={"state": "captured"})).json()["items"]] == ["p1"]
        one = (await acme.get(f"{T}/payments/p1")).json()
        assert (one["captured"], one["hold"]["amount_minor"]) == ({"amount_minor": 1234, "currency": "EUR"}, 5000)
        assert "token_ref" not in one
        assert [item["id"] for item in (await acme.get(f"{T}/disputes")).json()["items"]] == ["p2"]
        assert (await acme.get(f"{T}/payments/p3")).status_code == 404


async def test_a_refund_of_what_was_never_captured_is_refused() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        rig.rows.write(1, [payment("p1", state="checkout_open")])
        refused = await acme.post(f"{T}/payments/p1/refund", json={"reason": "goodwill"})
        assert (refused.status_code, "nothing was captured" in refused.json()["detail"]) == (409, True), refused.text
        assert (await acme.post(f"{T}/payments/none/refund", json={"reason": "goodwill"})).status_code == 404
        wrong = await acme.post(f"{T}/payments/p1/refund", json={"reason": "goodwill", "amount_minor": 0})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/amount_minor")


async def test_an_operator_sees_what_does_not_add_up_and_says_what_it_is() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        line = psp.BalanceLine("txn_1", "climate_order_purchase", -300, 0, -300, "EUR", NOW)
        answers = {
            psp.FetchAccount: READY,
            psp.FetchBalance: psp.BalanceSeen((("EUR", -300, 0),), (line,)),
            psp.MakeTransfer: psp.TransferSeen("tr_1", 1172, "EUR", "acct_1"),
        }
        provider(rig, lambda call: answers[type(call)])
        await acme.put(f"{T}/merchants/m1", json={**BODY, "account": "acct_1"})
        assert (await acme.post(f"{T}/merchants/m1/reconcile")).status_code == 204
        assert (await acme.post(f"{T}/merchants/none/reconcile")).status_code == 404
        await rig.until(lambda: any(e.kind == "merchant.reconciled" for e in rig.rows.events))
        told = (await acme.get(f"{T}/reconciliation")).json()
        assert [(item["id"], item["state"], item["suspense"]["amount_minor"]) for item in told["unmatched"]] == [
            ("txn_1", "unmatched", -300)
        ]  # fmt: skip
        assert [(one["account"], one["difference_minor"]) for one in told["balances"]] == [("acct_1", 0)]
        wrong = await acme.post(f"{T}/merchants/m1/items/txn_1/resolve", json={"account": "2400", "reason": "x"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/account")
        done = await acme.post(f"{T}/merchants/m1/items/txn_1/resolve", json={"account": "5000", "reason": "a charity"})
        assert done.status_code == 204, done.text
        items = (await acme.get(f"{T}/reconciliation/items", params={"state": "resolved"})).json()["items"]
        assert [(item["id"], item["resolved_to"]) for item in items] == [("txn_1", "5000")]
        assert (await acme.get(f"{T}/reconciliation/items", params={"state": "open"})).json()["items"] == []

        payout = psp.PayoutSeen("po_1", "paid", 4900, "EUR", NOW, automatic=False)
        await rig.system.ask(merchant_address("acme", "m1"), psp.PspObserved(payout), deadline=PATIENCE)
        assert (await acme.get(f"{T}/payouts")).json()["items"][0]["status"] == "paid"
        assert (await acme.get(f"{T}/payouts/po_1")).json()["amount"]["amount_minor"] == 4900
        assert (await acme.get(f"{T}/payouts/po_2")).status_code == 404

        credited = m.OwnerCredited("s1", 1172, "EUR", NOW)
        await rig.system.ask(merchant_address("acme", "m1"), credited, deadline=PATIENCE)
        await rig.until(lambda: any(e.kind == "merchant.transferred" for e in rig.rows.events))
        (transfer,) = (await acme.get(f"{T}/transfers", params={"merchant": "m1"})).json()["items"]
        assert (transfer["state"], transfer["transfer"], transfer["refs"]) == ("done", "tr_1", [["s1", 1172]])


async def test_evidence_in_a_dispute_is_built_from_what_is_known_and_handed_in_once() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        quote = {"clicked_at": "2026-03-02T12:00:00Z", "shown": "abc", "fingerprint": "f1", "terms": "3"}
        proof = {"result": "authenticated", "flow": "challenge"}
        disputed = payment(
            "p1", state="disputed", dispute={"id": "dp_1"}, account="acct_1", station="CP-1", quote=quote, proof=proof
        )
        rig.rows.write(1, [disputed, payment("p2")])
        calls = provider(
            rig, lambda call: psp.DisputeSeen("dp_1", "under_review", 1234, "EUR") if hasattr(call, "dispute") else READY
        )  # fmt: skip
        await acme.put(f"{T}/merchants/m1", json={**BODY, "account": "acct_1"})
        body = {"texts": {"customer_communication": "none"}}
        for _ in range(2):
            answer = await acme.post(f"{T}/payments/p1/evidence", json=body, headers={"Idempotency-Key": "k1"})
            assert answer.status_code == 202, answer.text
        await rig.until(lambda: any(event.kind == "merchant.evidence" for event in rig.rows.events))
        (call,) = [call for call in calls if isinstance(call, psp.SubmitEvidence)]
        assert (call.account, call.dispute, call.texts) == ("acct_1", "dp_1", answer.json()["texts"])
        assert "authenticated" in call.texts["access_activity_log"]
        assert "terms of version 3" in call.texts["access_activity_log"]
        assert call.texts["customer_communication"] == "none"
        assert (await acme.post(f"{T}/payments/p2/evidence", json=body)).status_code == 409
