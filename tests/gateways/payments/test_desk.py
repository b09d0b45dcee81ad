"""The desk between the outbox and the provider: bodies as actors write them, and what becomes of a wish when there is no key."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from actors.model import psp
from gateways.payments.client import Clients, PaymentsOff, StripeKeys
from gateways.payments.desk import PaymentDesk
from runtime.address import Address
from runtime.store import OutboxItem
from runtime.turn import EffectRow
from tests.gateways.payments.rig import rigged

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def item(call: psp.AnyCall, attempt: int = 1) -> OutboxItem:
    effect = EffectRow("e1", "redeliver", psp.TOPIC, msgspec.json.encode(call).decode(), None)
    return OutboxItem(Address("acme", "payment", "p1"), effect, attempt)


async def test_a_wish_comes_back_answered_with_the_effect_it_settles() -> None:
    async with rigged() as rig:
        desk = PaymentDesk(rig.clients, rig.now)
        call = rig.open()
        answer = await desk.deliver(item(call))
        assert (answer.effect, answer.call) == ("e1", call)
        assert isinstance(answer.seen, psp.CheckoutSeen)
        again = await desk.deliver(item(call, attempt=2))
        assert isinstance(again.seen, psp.CheckoutSeen)
        assert again.seen.checkout == answer.seen.checkout
        assert desk.stats() == {"done": 2}


async def test_without_a_key_what_begins_is_refused_and_what_is_owed_waits() -> None:
    desk = PaymentDesk(Clients(StripeKeys()))
    head: dict[str, Any] = {"key": "k", "made_at": NOW, "account": "acct_1"}
    opened = psp.OpenAccount(tenant="acme", merchant="m1", method="account_link", country="DE", **head)
    answer = await desk.deliver(item(opened))
    assert isinstance(answer.seen, psp.PspRefused)
    assert answer.seen.code == "payments_off"
    assert "CSMS_STRIPE__SECRET_KEY" in answer.seen.detail
    with pytest.raises(PaymentsOff):
        await desk.deliver(item(psp.CaptureIntent(intent="pi_1", amount_minor=1, currency="EUR", **head)))


async def test_what_goes_wrong_is_told_without_what_was_sent() -> None:
    async with rigged() as rig:
        desk = PaymentDesk(rig.clients, rig.now)
        answer = await desk.deliver(item(rig.open(title="Jane's car", success_url="nonsense")))
        assert isinstance(answer.seen, psp.PspRefused)
        assert "Jane" not in repr(answer.seen)
        assert rig.sandbox.world.config.secret_key not in repr(answer.seen)
