"""Answers that are lost, late, or errors after the work was done: each wish still has one effect, and nobody is told too much."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.model import psp
from gateways.payments import calls
from gateways.payments.errors import Away
from tests.gateways.payments.rig import Rig, rigged
from tests.kits.patience import until


class Case(msgspec.Struct):
    """`effects` counts what there is at the provider, of which there must be one."""

    path: str
    make: Callable[[Rig], Awaitable[psp.AnyCall]]
    effects: Callable[[Rig], int]


async def _capture(rig: Rig) -> psp.AnyCall:
    return rig.capture(await rig.held())


async def _cancel(rig: Rig) -> psp.AnyCall:
    return psp.CancelIntent(intent=await rig.held(), **rig.head())


async def _refund(rig: Rig) -> psp.AnyCall:
    intent = await rig.held()
    await rig.do(rig.capture(intent))
    return rig.refund(intent)


async def _transfer(rig: Rig) -> psp.AnyCall:
    await rig.funded()
    return rig.transfer()


async def _reverse(rig: Rig) -> psp.AnyCall:
    await rig.funded()
    made = await rig.do(rig.transfer())
    named = {"tenant": "acme", "merchant": "m1", "currency": "EUR"}
    return psp.ReverseTransfer(transfer=made.transfer, amount_minor=475, **named, **rig.head(None))


async def _open(rig: Rig) -> psp.AnyCall:
    return rig.open()


def _of(kind: str, **equal: Any) -> Callable[[Rig], int]:
    def count(rig: Rig) -> int:
        found = [obj for obj in rig.sandbox.world.objects.values() if obj["object"] == kind]
        return sum(all(obj.get(name) == value for name, value in equal.items()) for obj in found)

    return count


def _moved_refunds(rig: Rig) -> int:
    found = [obj for obj in rig.sandbox.world.objects.values() if obj["object"] == "refund"]
    return sum(obj["balance_transaction"] is not None and obj["metadata"].get("key") is not None for obj in found)


CASES = {
    "capture": Case("POST /v1/payment_intents/*/capture", _capture, _of("payment_intent", status="succeeded")),
    "cancel": Case("POST /v1/payment_intents/*/cancel", _cancel, _of("payment_intent", status="canceled")),
    "refund": Case("POST /v1/refunds", _refund, _moved_refunds),
    "transfer": Case("POST /v1/transfers", _transfer, _of("transfer")),
    "reversal": Case("POST /v1/transfers/*/reversals", _reverse, _of("transfer_reversal")),
    "checkout": Case("POST /v1/checkout/sessions", _open, _of("checkout.session")),
}
MONEY = ("capture", "refund", "transfer", "reversal")


async def _first_try(rig: Rig, call: psp.AnyCall) -> Any:
    """Its answer, or the error with which the outbox would try it again."""
    try:
        return await rig.do(call)
    except Away as away:
        return away


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("what", ["error_after", "drop_after"])
async def test_work_that_was_done_before_its_answer_was_lost_is_done_once(name: str, what: str, sticky: bool) -> None:
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        before = case.effects(rig)
        rig.fault(case.path, what, sticky=sticky, times=3)  # the package's own tries as well
        first = await _first_try(rig, call)
        # A release shows in the hold itself, so it is known at once.
        wanted = psp.PspUnsure if name in MONEY else (Away, psp.IntentSeen) if name == "cancel" else Away
        assert isinstance(first, wanted), first
        assert case.effects(rig) == before + 1
        rig.sandbox.faults.rules.clear()
        second = await rig.do(call, again=True)
        assert not isinstance(second, psp.PspRefused | psp.PspUnsure), second
        assert case.effects(rig) == before + 1
        assert await rig.do(call, again=True) == second


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("what", ["error_before", "drop_before", "rate_limit"])
async def test_work_that_was_not_done_is_done_at_the_next_try(name: str, what: str) -> None:
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        before = case.effects(rig)
        rig.fault(case.path, what, times=3)
        first = await _first_try(rig, call)
        assert isinstance(first, psp.PspUnsure | Away), first
        assert case.effects(rig) == before
        rig.sandbox.faults.rules.clear()
        await rig.do(call, again=True)
        assert case.effects(rig) == before + 1


@pytest.mark.parametrize("name", MONEY)
@pytest.mark.parametrize(
    ("what", "outcome"), [("rate_limit", Away), ("drop_before", psp.PspUnsure), ("error_before", psp.PspUnsure)]
)
async def test_what_moves_money_is_sent_once_a_try_and_a_rate_limit_is_no_uncertainty(
    name: str, what: str, outcome: type
) -> None:
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        sent = len(rig.sandbox.api.calls)
        rig.fault(case.path, what, times=None)
        assert isinstance(await _first_try(rig, call), outcome)
        assert len(rig.sandbox.api.calls) == sent + 1


@pytest.mark.parametrize("name", list(CASES))
async def test_after_twenty_hours_a_wish_is_looked_for_before_it_is_sent(name: str) -> None:
    """The provider has forgotten the key by then: only what was found keeps it from being done twice."""
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        before = case.effects(rig)
        await rig.do(call)
        await rig.sandbox.driver.control("clock", advance=25 * 3600)
        if name == "checkout":
            assert (await rig.do(call)).status == "expired"
        else:
            await rig.do(call)
        assert case.effects(rig) == before + 1

        if name != "checkout":
            late = msgspec.structs.replace(await case.make(rig), made_at=rig.now() - timedelta(hours=21))
            middle = case.effects(rig)
            await rig.do(late)
            assert case.effects(rig) == middle + 1


@pytest.mark.parametrize("name", MONEY)
async def test_a_silent_provider_leaves_nobody_waiting_and_the_state_says_unsure(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        before = case.effects(rig)
        monkeypatch.setattr(calls, "CALL_SECONDS", 0.3)
        rig.fault(case.path, "hang_after")
        assert isinstance(await rig.do(call), psp.PspUnsure)
        monkeypatch.setattr(calls, "CALL_SECONDS", 20.0)
        await rig.do(call, again=True)
        assert case.effects(rig) == before + 1


@pytest.mark.parametrize("name", list(CASES))
async def test_a_wish_that_is_cancelled_in_the_middle_is_found_by_the_next_try(name: str) -> None:
    case = CASES[name]
    async with rigged() as rig:
        call = await case.make(rig)
        before = case.effects(rig)
        rig.fault(case.path, "hang_after", times=None)
        faults = [rule for rule in rig.sandbox.faults.rules if rule.what == "hang_after"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.do, call)
            await until(lambda: faults[0].met)
            nursery.cancel_scope.cancel()
        rig.sandbox.faults.rules.clear()
        await rig.do(call, again=True)
        assert case.effects(rig) == before + 1


async def test_a_provider_that_is_not_there_is_no_uncertainty() -> None:
    async with rigged() as rig:
        call = rig.capture(await rig.held())
        rig.clients.platform()._requestor._options.base_addresses["api"] = "http://127.0.0.1:9"
        with pytest.raises(Away, match="cannot be reached"):
            await rig.do(call)


async def test_another_amount_under_the_same_key_is_not_done_behind_our_back() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        await rig.do(rig.capture(intent))
        first = rig.refund(intent, 500)
        await rig.do(first)
        with pytest.raises(Away, match="Idempotency"):
            await rig.do(msgspec.structs.replace(first, amount_minor=600))
        assert _moved_refunds(rig) == 1
