"""The desk between the outbox and the provider: bodies as actors write them, and what becomes of a wish when there is no key."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio

from actors.model import psp
from gateways.payments.client import Clients, PaymentsOff, StripeKeys
from gateways.payments.desk import PaymentDesk
from gateways.payments.doors import Doors
from gateways.payments.errors import Away
from gateways.payments.limits import DESK_OF_ACCOUNT, SLOW_AT_ONCE, SLOW_CALL
from runtime.address import Address
from runtime.limits import Limits
from runtime.store import OutboxItem
from runtime.turn import EffectRow
from tests.gateways.payments.rig import MERCHANT, OTHER, rigged
from tests.kits.patience import PATIENCE, until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def item(call: psp.AnyCall, attempt: int = 1, effect: str = "e1") -> OutboxItem:
    row = EffectRow(effect, "redeliver", psp.TOPIC, msgspec.json.encode(call).decode(), None)
    return OutboxItem(Address("acme", "payment", "p1"), row, attempt)


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


async def test_an_account_whose_answers_do_not_come_takes_no_places_from_the_others() -> None:
    """Half of the outbox at most, and a few at a time once it is known to be slow; what is given back was not sent."""
    assert Limits().outbox_batch >= 2 * DESK_OF_ACCOUNT
    async with rigged() as rig, trio.open_nursery() as nursery:
        desk = PaymentDesk(rig.clients, rig.now)
        desk._doors = Doors(DESK_OF_ACCOUNT, lambda: 0.0)  # none is slow yet, however slowly they get under way
        rig.fault("POST /v1/checkout/sessions", "hang_before", account=MERCHANT, times=None)
        turned_away = []

        async def wish(n: int) -> None:
            try:
                await desk.deliver(item(rig.open(), effect=f"e{n}"))
            except Away:
                turned_away.append(n)

        for n in range(DESK_OF_ACCOUNT + 20):
            nursery.start_soon(wish, n)
        await until(lambda: len(rig.sent("/v1/checkout/sessions")) >= DESK_OF_ACCOUNT)
        assert len(turned_away) == 20
        other = rig.open(account=OTHER)
        with trio.fail_after(PATIENCE):
            answer = await desk.deliver(item(other))
        assert isinstance(answer.seen, psp.CheckoutSeen)
        nursery.cancel_scope.cancel()


async def test_a_wish_that_was_turned_away_is_not_looked_for_as_if_it_had_been_sent() -> None:
    async with rigged() as rig:
        desk = PaymentDesk(rig.clients, rig.now)
        call = rig.open()
        doors = [desk._doors.through(MERCHANT) for _ in range(DESK_OF_ACCOUNT)]
        with ExitStack() as full:
            for door in doors:
                full.enter_context(door)
            with pytest.raises(Away):
                await desk.deliver(item(call))
        answer = await desk.deliver(item(call, attempt=2))
        assert isinstance(answer.seen, psp.CheckoutSeen)
        assert [sent["method"] for sent in rig.sent("/v1/checkout/sessions")] == ["POST"]


def test_a_slow_account_has_few_calls_until_one_is_quick_again() -> None:
    now = 0.0
    doors = Doors(8, lambda: now)
    with ExitStack() as inside:
        for _ in range(SLOW_AT_ONCE):
            inside.enter_context(doors.through("acct_1"))
        now = SLOW_CALL + 1
        with pytest.raises(Away, match="slow"), doors.through("acct_1"):
            pass
        with doors.through("acct_2"), doors.through(None):
            pass
    with doors.through("acct_1"):
        pass
    with ExitStack() as inside:
        for _ in range(8):
            inside.enter_context(doors.through("acct_1"))
