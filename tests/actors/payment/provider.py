"""A payment provider in memory: intents, pages, refunds and disputes with a state, idempotency keys that answer as they did the
first time (stale as that may be by then), and a list of what changed, which webhooks would tell."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from actors.model import psp
from actors.model.money import chargeable
from actors.model.psp import CardProof

GOOD = CardProof("DE", "authenticated")
WEAK = CardProof("DE", None)


class Provider:
    """`takes`: what became of money, by intent: (received, refunded). `refusals`: op -> codes that the next calls get."""

    def __init__(self, now: Callable[[], datetime], *, hold_for: timedelta = timedelta(days=7)) -> None:
        self.now, self.hold_for = now, hold_for
        self.intents: dict[str, psp.IntentSeen] = {}
        self.checkouts: dict[str, psp.CheckoutSeen] = {}
        self.asked: dict[str, psp.OpenCheckout] = {}
        self.refunds: dict[str, psp.RefundSeen] = {}
        self.disputes: dict[str, psp.DisputeSeen] = {}
        self.by_key: dict[str, tuple[psp.AnyCall, psp.Seen]] = {}
        self.changed: list[tuple[str, str]] = []
        self.refusals: dict[type, list[str]] = {}
        self.off_session = "requires_capture"
        self.late_lines = False
        """Balance transactions come some time after the capture."""
        self.executed: list[str] = []
        """Keys of writes that were really done."""

    # -- calls

    def execute(self, call: psp.AnyCall) -> psp.Seen:
        match call:
            case psp.FetchIntent():
                return self.intents[call.intent]
            case psp.FetchCheckout():
                return self.checkout(call.checkout)
            case psp.FetchRefund():
                return self.refunds[call.refund]
            case psp.FetchDispute():
                return self.disputes[call.dispute]
        known = self.by_key.get(call.key)
        if known is not None:
            assert known[0] == call, "the same key with other parameters"
            return known[1]
        codes = self.refusals.get(type(call))
        seen = psp.PspRefused(codes.pop(0)) if codes else self._write(call)
        if not isinstance(seen, psp.PspRefused):
            self.executed.append(call.key)
        self.by_key[call.key] = (call, seen)
        return seen

    def _write(self, call: Any) -> psp.Seen:
        match call:
            case psp.OpenCheckout():
                id = f"cs_{len(self.checkouts) + 1}"
                self.checkouts[id] = psp.CheckoutSeen(id, "open", f"https://psp.test/{id}", call.expires_at)
                self.asked[id] = call
                return self.checkouts[id]
            case psp.ExpireCheckout():
                if self.checkouts[call.checkout].status == "open":
                    self._checkout(call.checkout, status="expired", url=None)
                return self.checkout(call.checkout)
            case psp.ChargeSaved():
                return self._charge(call)
            case psp.CancelIntent():
                if self.intents[call.intent].status == "requires_capture":
                    self._intent(call.intent, status="canceled", capturable_minor=0)
                return self.intents[call.intent]
            case psp.CaptureIntent():
                return self._capture(call)
            case psp.RefundCharge():
                return self._refund(call)
        raise TypeError(type(call).__name__)

    def _charge(self, call: psp.ChargeSaved) -> psp.Seen:
        if self.off_session == "refused":
            return psp.PspRefused("authentication_required")
        id = f"pi_{len(self.intents) + 1}"
        held = call.amount_minor if self.off_session == "requires_capture" else 0
        self.intents[id] = psp.IntentSeen(
            id, self.off_session, call.amount_minor, held, 0, call.currency, None, "ch_1", self.now() + self.hold_for,
            WEAK if held else None, error=None if held else "authentication_required",
        )  # fmt: skip
        self.changed.append(("intent", id))
        return self.intents[id]

    def _capture(self, call: psp.CaptureIntent) -> psp.Seen:
        intent = self.intents[call.intent]
        if intent.status == "succeeded":
            return psp.PspRefused("payment_intent_unexpected_state")
        if intent.status != "requires_capture":
            return psp.PspRefused("charge_expired_for_capture")
        assert 0 < call.amount_minor <= intent.capturable_minor, "more is captured than is held"
        assert call.amount_minor == chargeable(call.amount_minor, call.currency), "no card can be charged with that"
        line = None if self.late_lines else self._line(call.amount_minor, call.fee_minor, call.currency)
        self._intent(
            call.intent, status="succeeded", capturable_minor=0, received_minor=call.amount_minor, line=line,
            fee_minor=call.fee_minor,
        )  # fmt: skip
        return self.intents[call.intent]

    def _line(self, amount: int, fee: int, currency: str = "EUR") -> psp.BalanceLine:
        own = 25 + amount * 15 // 1000
        fees = (psp.FeeLine("stripe_fee", own), psp.FeeLine("application_fee", fee))
        return psp.BalanceLine("txn_1", "charge", amount, own + fee, amount - own - fee, currency, self.now(), "ch_1", fees=fees)

    def _refund(self, call: psp.RefundCharge) -> psp.Seen:
        assert call.amount_minor == chargeable(call.amount_minor, call.currency), "no card can be paid back that"
        return self.refund(call.intent, call.amount_minor, key=call.key, fee=call.return_fee)

    # -- what happens there

    def pay(self, checkout: str, proof: CardProof | None = GOOD) -> None:
        """The driver pays on the page, if it is still open."""
        page = self.checkouts[checkout]
        if page.status != "open":
            return
        call, id = self.asked[checkout], f"pi_{len(self.intents) + 1}"
        self.intents[id] = psp.IntentSeen(
            id, "requires_capture", call.amount_minor, call.amount_minor, 0, call.currency, call.account, "ch_1",
            self.now() + self.hold_for, proof, customer="cus_1" if call.save_card else None,
            payment_method="pm_1" if call.save_card else None, card="c1",
        )  # fmt: skip
        self._checkout(checkout, status="complete", url=None, intent=self.intents[id])
        self.changed += [("intent", id), ("checkout", checkout)]

    def lapse(self, checkout: str) -> None:
        if self.checkouts[checkout].status == "open":
            self._checkout(checkout, status="expired", url=None)
            self.changed.append(("checkout", checkout))

    def tell_line(self, intent: str) -> None:
        known = self.intents[intent]
        self._intent(intent, line=self._line(known.received_minor, known.fee_minor or 0))

    def refund(
        self, intent: str, amount: int, *, key: str | None = None, status: str = "succeeded", fee: bool = False
    ) -> psp.RefundSeen:
        id, known = f"re_{len(self.refunds) + 1}", self.intents[intent]
        assert known.refunded_minor + amount <= known.received_minor, "more is refunded than was taken"
        back = 0
        if fee:  # in proportion to all that was given back so far, less what of the fee already was
            whole = (known.fee_minor or 0) * (known.refunded_minor + amount) // known.received_minor
            back = whole - sum(one.fee_returned_minor for one in self.refunds.values() if one.intent == intent)
        self.refunds[id] = psp.RefundSeen(id, status, amount, known.currency, intent, key, back)
        self._intent(intent, refunded_minor=known.refunded_minor + amount)
        self.changed.append(("refund", id))
        return self.refunds[id]

    def move_refund(self, id: str, status: str) -> psp.RefundSeen:
        self.refunds[id] = replace(self.refunds[id], status=status)
        self.changed.append(("refund", id))
        return self.refunds[id]

    def dispute(self, intent: str, amount: int, status: str = "needs_response") -> psp.DisputeSeen:
        taken = psp.BalanceLine("txn_d", "adjustment", -amount, 2000, -amount - 2000, "EUR", self.now(), "dp_1")
        lines = (taken,) if not status.startswith("warning") else ()
        self.disputes["dp_1"] = psp.DisputeSeen("dp_1", status, amount, "EUR", intent, "fraudulent", None, lines)
        self.changed.append(("dispute", "dp_1"))
        return self.disputes["dp_1"]

    def end_dispute(self, status: str) -> psp.DisputeSeen:
        known = self.disputes["dp_1"]
        back = psp.BalanceLine("txn_w", "adjustment", known.amount_minor, 0, known.amount_minor, "EUR", self.now(), "dp_1")
        lines = (*known.lines, back) if status == "won" else known.lines
        self.disputes["dp_1"] = replace(known, status=status, lines=lines)
        self.changed.append(("dispute", "dp_1"))
        return self.disputes["dp_1"]

    def seen(self, kind: str, id: str) -> psp.Seen:
        """As it is now."""
        if kind == "checkout":
            return self.checkout(id)
        known: dict[str, Any] = {"intent": self.intents, "refund": self.refunds, "dispute": self.disputes}[kind]
        seen: psp.Seen = known[id]
        return seen

    def checkout(self, id: str) -> psp.CheckoutSeen:
        known = self.checkouts[id]
        return replace(known, intent=self.intents[known.intent.intent]) if known.intent is not None else known

    def _checkout(self, id: str, **new: Any) -> None:
        self.checkouts[id] = replace(self.checkouts[id], **new)

    def _intent(self, id: str, **new: Any) -> None:
        self.intents[id] = replace(self.intents[id], **new)
        self.changed.append(("intent", id))
