"""A node, its PostgreSQL and the sandbox, with sockets between them: what a driver pays is known by webhook alone, whatever
happens to the webhooks on their way."""

from pathlib import Path
from typing import Any

import pytest

from actors.model.ids import payment_address
from actors.model.rows import PaymentRow
from actors.payment.messages import AttemptOpened, OpenAttempt, TopUp
from gateways.payments.sandbox import HookRule
from runtime.address import Address
from tests.gateways.payments.signing import event, signed
from tests.gateways.web.pay.street import Street, high_street
from tests.kits.patience import PATIENCE, http_client

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _server(fresh_dsn: str) -> None:
    """Started before the loop runs: the fixture of the server is synchronous."""


async def wallet(street: Street) -> None:
    answer = await street.admin.put("/tenants/acme/wallets/w1", json={})
    assert answer.status_code in (200, 201), answer.text


async def pays(street: Street, attempt: str, card: str = "frictionless") -> None:
    """Opens a top-up's page and pays it; the browser never comes back to us."""
    to = Address(*payment_address("acme", attempt))
    order = OpenAttempt(TopUp("w1", 5000, "EUR"), "https://pay.example.org/back", "https://pay.example.org/back", "Top-up")
    opened = await street.node.domain.system.ask(to, order, deadline=PATIENCE)
    assert isinstance(opened, AttemptOpened), opened
    outcome = await street.sandbox.driver.pay(opened.url or "", card)
    assert outcome.paid, outcome.error


async def row(street: Street, attempt: str) -> PaymentRow:
    found = await street.node.domain.queries.payment("acme", attempt)
    assert found is not None
    return found


async def taken(street: Street, attempt: str) -> PaymentRow:
    async def known() -> bool:
        return (await row(street, attempt)).state in ("captured", "settled")

    await street.until(known)
    return await row(street, attempt)


def stats(street: Street) -> dict[str, Any]:
    return dict(street.node.domain.payments.receiver.stats())


async def test_a_payment_is_known_by_webhook_alone(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        await wallet(street)
        await pays(street, "a1")
        known = await taken(street, "a1")
        assert known.captured_minor == 5000
        assert stats(street)["kept"] > 0


FAULTS: dict[str, tuple[str, ...]] = {
    "every one twice": ("duplicate",),
    "out of order": ("reorder",),
    "in the wrong mode, forged, not UTF-8, from the wrong account": ("wrong_mode", "bad_signature", "not_utf8", "wrong_account"),
}


@pytest.mark.parametrize("name", list(FAULTS))
async def test_whatever_happens_to_webhooks_on_their_way_the_money_is_taken_once(
    fresh_dsn: str, tmp_path: Path, name: str
) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        await wallet(street)
        rules = [HookRule(event="*", what=what, times=None if len(FAULTS[name]) == 1 else 2) for what in FAULTS[name]]  # type: ignore[arg-type]
        street.sandbox.faults.add([], rules)
        for n in range(3):
            await pays(street, f"a{n}")
        for n in range(3):
            assert (await taken(street, f"a{n}")).captured_minor == 5000
        intents = [obj for obj in street.sandbox.world.objects.values() if obj["object"] == "payment_intent"]
        assert [intent["amount_received"] for intent in intents] == [5000, 5000, 5000]
        answer = await street.admin.get("/tenants/acme/wallets/w1")
        assert answer.json()["balance_minor"] == 15_000


async def test_webhooks_that_never_came_are_fetched_by_the_sweep(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        await wallet(street)
        street.sandbox.faults.add([], [HookRule(event="*", what="drop", times=None)])
        await pays(street, "a1")
        assert (await row(street, "a1")).state == "checkout_open"
        assert await street.node.domain.payments.sweep.events(None) > 0
        assert (await taken(street, "a1")).captured_minor == 5000


async def test_what_is_forged_is_refused_and_counted_where_an_operator_sees_it(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street, http_client(base_url=street.node.urls.http) as anyone:
        body = event("payment_intent.succeeded", None)
        for path, header, status in (
            ("/stripe/webhook", signed(body, "whsec_guess"), 400),
            ("/stripe/webhook", signed(body, "whsec_street_account"), 200),
            ("/stripe/webhook", signed(body, "whsec_street_account"), 200),
            ("/stripe/webhook/connect", signed(body, "whsec_street_connect"), 400),
        ):
            answer = await anyone.post(path, content=body, headers={"stripe-signature": header})
            assert answer.status_code == status
        metrics = (await anyone.get("/metrics")).text
    for kind in ("forged", "wrong_endpoint", "repeated"):
        assert f'voltroupe_payments_webhooks{{kind="{kind}"}}' in metrics
