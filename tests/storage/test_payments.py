"""Payment attempts in the read model, in PostgreSQL and in its twin."""

from datetime import timedelta
from typing import Any

import pytest

from runtime.address import Address
from runtime.store import Verdict
from tests.storage.shown import AT, COST, payment
from tests.storage.test_queries import Kit, kit, walk  # noqa: F401 (the fixture)

FULL: dict[str, Any] = {
    "cost": COST, "captured_minor": 1234, "refunded_minor": 100, "fee_minor": 62, "psp_fee_minor": 44, "station": "s/1",
    "evse": 1, "code": "DE*ACM*E1", "merchant": "m1", "account": "acct_1", "checkout": "cs_1", "checkout_url": "https://pay.test/cs_1",
    "intent": "pi_1", "charge": "ch_1", "capture_before": AT + timedelta(days=7), "session": "a", "transaction_id": "7",
    "token_ref": "t_1", "reason": "x", "proof": {"result": "authenticated"}, "quote": {"hold_minor": 5000},
    "refunds": [{"id": "r1", "amount_minor": 100}], "dispute": {"dispute": "dp_1"}, "journals": ["j1", "j2"],
}  # fmt: skip


def attempt(id: str, tenant: str = "acme") -> Address:
    return Address(tenant, "payment", id)


async def test_an_attempt_comes_back_as_it_was_written_and_only_forward(kit: Kit) -> None:  # noqa: F811
    first, second = payment("p1"), payment("p1", state="captured", **FULL)
    await kit.write(first, actor=attempt("p1"))
    assert await kit.queries.payment("acme", "p1") == first
    await kit.write(second, actor=attempt("p1"))
    assert await kit.queries.payment("acme", "p1") == second
    assert await kit.queries.payment("other", "p1") is None


async def test_the_provider_s_ids_lead_to_the_attempt_on_the_right_account(kit: Kit) -> None:  # noqa: F811
    await kit.write(payment("p1", **FULL), actor=attempt("p1"))
    await kit.write(payment("p2", tenant="other", intent="pi_2", checkout="cs_2"), actor=attempt("p2", "other"))
    look = kit.lookups
    assert await look.attempt_of_intent("acct_1", "pi_1") == await look.attempt_of_checkout("acct_1", "cs_1") == ("acme", "p1")
    assert await look.attempt_of_intent(None, "pi_2") == await look.attempt_of_checkout(None, "cs_2") == ("other", "p2")
    for account in (None, "acct_2"):
        assert await look.attempt_of_intent(account, "pi_1") is await look.attempt_of_checkout(account, "cs_1") is None


async def test_an_intent_belongs_to_one_attempt(kit: Kit) -> None:  # noqa: F811
    await kit.write(payment("p1", intent="pi_1", account="acct_1"), actor=attempt("p1"))
    outcome = await kit.try_write(payment("p2", intent="pi_1", account="acct_1"), actor=attempt("p2"))
    assert outcome.verdict is Verdict.REJECTED
    await kit.write(payment("p3", intent="pi_1", account="acct_2"), actor=attempt("p3"))


@pytest.mark.parametrize("name", ["state", "station", "session", "wallet", "merchant"])
async def test_attempts_are_listed_newest_first_and_filtered(kit: Kit, name: str) -> None:  # noqa: F811
    for n in range(6):
        fields: dict[str, Any] = {name: "one" if n % 2 else "two", "created_at": AT + timedelta(seconds=n // 2)}
        await kit.write(payment(f"p{n}", **fields), actor=attempt(f"p{n}"))
    await kit.write(payment("px", tenant="other", **{name: "one"}), actor=attempt("px", "other"))
    pages = await walk(lambda cursor: kit.queries.payments("acme", 2, cursor))
    assert [[row.id for row in page] for page in pages] == [["p5", "p4"], ["p3", "p2"], ["p1", "p0"]]
    some = await walk(lambda cursor: kit.queries.payments("acme", 2, cursor, **{name: "one"}))
    assert [[row.id for row in page] for page in some] == [["p5", "p3"], ["p1"]]
