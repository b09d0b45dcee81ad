"""A payment attempt's state, and how facts change it. Pure and total over facts that `decide` makes.

The phase moves by `phases.TABLE` only: a fact whose event has no line there raises, and is never written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.model.bill import Bill
from actors.model.money import Cost, Money
from actors.model.psp import AnyCall, CardProof, DisputeSeen, IntentSeen, RefundSeen
from actors.model.rating import KindNet
from actors.model.rows import VaultRow
from actors.model.token import IdToken
from actors.payment import facts as f
from actors.payment.messages import Quote, SessionEnded, TopUp
from actors.payment.phases import Event, Phase, after, allows


class Wish(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A call that has no answer yet. `tries`: how often its outcome was unsure."""

    call: AnyCall
    tries: int = 0


class Refund(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`status`: of phases.REFUNDS; `refund`: the provider's id. `excess_minor` of it gives back what was taken too much."""

    n: int
    id: str
    amount_minor: int
    status: str
    at: datetime
    who: str = ""
    reason: str = ""
    refund: str | None = None
    fee_returned_minor: int = 0
    excess_minor: int = 0

    @property
    def sold_minor(self) -> int:
        """Of it: what takes the sale back."""
        return self.amount_minor - self.excess_minor


class Dispute(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`withdrawn_minor`: what is in 1160 for it, or was. Of a lost one: `twice_minor` a refund had given back before,
    `excess_minor` was taken too much."""

    dispute: str
    status: str
    amount_minor: int
    at: datetime
    reason: str | None = None
    evidence_by: datetime | None = None
    withdrawn_minor: int = 0
    twice_minor: int = 0
    excess_minor: int = 0


class PaymentState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`stray`: sessions that nobody pays, stopped once. `early`: what was seen of the charge before the capture was."""

    phase: Phase = "new"
    opened: f.Opened | None = None
    calls: dict[str, Wish] = {}
    asked: int = 0
    """Calls so far, by which they are named."""
    refusals: int = 0
    looked_at: datetime | None = None
    reason: str | None = None
    checkout: str | None = None
    checkout_url: str | None = None
    checkout_over: bool = False
    expires_at: datetime | None = None
    intent: str | None = None
    held_minor: int = 0
    hold_gone: bool = False
    charge: str | None = None
    authorised_at: datetime | None = None
    capture_before: datetime | None = None
    customer: str | None = None
    payment_method: str | None = None
    card: str | None = None
    proof: CardProof | None = None
    rule: str | None = None
    rule_detail: str = ""
    token: IdToken | None = None
    sealed: VaultRow | None = None
    evse_held: bool = False
    order: str | None = None
    deadline: datetime | None = None
    session: str | None = None
    transaction_id: str = ""
    began_at: datetime | None = None
    stray: tuple[str, ...] = ()
    stops: int = 0
    told: SessionEnded | None = None
    bill: Bill | None = None
    """Of what is captured; `told` may be followed by another word on the session."""
    guarded: bool = False
    cost: Cost | None = None
    kinds: tuple[KindNet, ...] = ()
    energy_wh: int = 0
    capture_n: int = 0
    capture_minor: int = 0
    fee_minor: int = 0
    captured_minor: int = 0
    """Of the sale; `excess_minor` was taken beyond it, past us."""
    excess_minor: int = 0
    past: IntentSeen | None = None
    captured_at: datetime | None = None
    psp_fee_minor: int | None = None
    refunds: tuple[Refund, ...] = ()
    refunded_minor: int = 0
    """Of refunds that are in the books."""
    fee_returned_minor: int = 0
    disputes: tuple[Dispute, ...] = ()
    early: tuple[RefundSeen | DisputeSeen, ...] = ()
    journals: tuple[str, ...] = ()

    @property
    def quote(self) -> Quote | None:
        order = self.opened.order if self.opened is not None else None
        return order if isinstance(order, Quote) else None

    @property
    def top_up(self) -> TopUp | None:
        order = self.opened.order if self.opened is not None else None
        return order if isinstance(order, TopUp) else None

    @property
    def dispute(self) -> Dispute | None:
        """The newest one."""
        return self.disputes[-1] if self.disputes else None

    @property
    def lost_minor(self) -> int:
        """Of what was sold: lost in disputes, as the books have it."""
        return sum(one.withdrawn_minor - one.twice_minor - one.excess_minor for one in self.disputes if one.status == "lost")

    @property
    def twice_minor(self) -> int:
        """Lost in disputes although it had been refunded."""
        return sum(one.twice_minor for one in self.disputes if one.status == "lost")

    @property
    def sold(self) -> Cost:
        """What the session cost; nothing where none was delivered."""
        nothing = Money(0, self.opened.order.currency if self.opened is not None else "")
        return self.cost or Cost(nothing, nothing)

    @property
    def taken_minor(self) -> int:
        """All that the card was charged with."""
        return self.captured_minor + self.excess_minor

    @property
    def excess_left_minor(self) -> int:
        """Of what was taken too much: neither given back, nor about to be, nor lost. It goes back before what was sold."""
        asked = sum(one.excess_minor for one in self.refunds if one.status == "asked")
        return max(0, self.excess_there_minor - asked)

    @property
    def excess_there_minor(self) -> int:
        """The same as the provider has it: what was only asked for may be refused, since others were faster."""
        back = sum(one.excess_minor for one in self.refunds if one.status in ("pending", "succeeded"))
        return self.excess_minor - back - sum(one.excess_minor for one in self.disputes if one.status == "lost")

    @property
    def returning_minor(self) -> int:
        """Refunded, or about to be."""
        return sum(one.amount_minor for one in self.refunds if one.status in ("asked", "pending", "succeeded"))

    @property
    def claimed_minor(self) -> int:
        """Of what was taken: refunded, about to be, or disputed. A bank may take back what was refunded already."""
        disputed = sum(one.withdrawn_minor for one in self.disputes if one.status in ("open", "lost"))
        return min(self.taken_minor, self.returning_minor + disputed)


def _moved(event: Event, **known: str) -> Callable[[PaymentState, Any], PaymentState]:
    """The phase moves by `event`; `known`: field of the state -> field of the fact."""

    def move(state: PaymentState, fact: Any) -> PaymentState:
        told = {name: getattr(fact, source) for name, source in known.items()}
        return replace(state, phase=after(state.phase, event), **told)

    return move


def _opened(state: PaymentState, fact: f.Opened) -> PaymentState:
    return replace(state, phase=after(state.phase, "opened"), opened=fact, expires_at=fact.expires_at)


def _asked(state: PaymentState, fact: f.Asked) -> PaymentState:
    looked_at = fact.at if fact.name.startswith("look:") else state.looked_at
    return replace(state, calls={**state.calls, fact.name: Wish(fact.call)}, asked=state.asked + 1, looked_at=looked_at)


def _answered(state: PaymentState, fact: f.Answered) -> PaymentState:
    """Refused captures and releases are counted: how soon they are tried again depends on it."""
    calls = {name: wish for name, wish in state.calls.items() if name != fact.name}
    counts = fact.refused and fact.name.partition(":")[0] in ("capture", "cancel")
    return replace(state, calls=calls, refusals=state.refusals + 1 if counts else state.refusals)


def _unsure(state: PaymentState, fact: f.Unsure) -> PaymentState:
    wish = state.calls.get(fact.name)
    if wish is None:
        return state
    return replace(state, calls={**state.calls, fact.name: replace(wish, tries=fact.tries)})


def _checkout_opened(state: PaymentState, fact: f.CheckoutOpened) -> PaymentState:
    """It may be told after the hold it led to, or when nobody wants it any more: then the phase stays."""
    known = replace(
        state, checkout=fact.checkout, checkout_url=fact.url or state.checkout_url, expires_at=fact.expires_at or state.expires_at
    )
    return replace(known, phase=after(state.phase, "checkout_opened")) if allows(state.phase, "checkout_opened") else known


def _checkout_over(state: PaymentState, fact: f.CheckoutOver) -> PaymentState:
    return replace(state, checkout_over=True, checkout_url=None)


def _authorised(state: PaymentState, fact: f.Authorised) -> PaymentState:
    """A hold that comes when it is not wanted any more is known, so that it can be let go; the phase stays."""
    known = replace(
        state,
        intent=fact.intent,
        held_minor=fact.held_minor,
        charge=fact.charge or state.charge,
        authorised_at=fact.at,
        capture_before=fact.capture_before,
        customer=fact.customer or state.customer,
        payment_method=fact.payment_method or state.payment_method,
        card=fact.card or state.card,
        checkout_url=None,
    )
    return replace(known, phase=after(state.phase, "authorised")) if allows(state.phase, "authorised") else known


def _proof_refused(state: PaymentState, fact: f.ProofRefused) -> PaymentState:
    phase = after(state.phase, "proof_refused")
    return replace(state, phase=phase, proof=fact.proof, rule=fact.rule, rule_detail=fact.detail, reason="sca_refused")


def _evse_asked(state: PaymentState, fact: f.EvseAsked) -> PaymentState:
    return replace(state, token=fact.token, sealed=fact.sealed)


def _evse_held(state: PaymentState, fact: f.EvseHeld) -> PaymentState:
    return replace(state, evse_held=True)


def _ordered(state: PaymentState, fact: f.Ordered) -> PaymentState:
    phase = after(state.phase, "ordered")
    return replace(state, phase=phase, order=fact.order, deadline=fact.deadline, sealed=None)


def _strayed(state: PaymentState, fact: f.Strayed) -> PaymentState:
    return replace(state, stray=(*state.stray, fact.session))


def _stop_ordered(state: PaymentState, fact: f.StopOrdered) -> PaymentState:
    return replace(state, stops=state.stops + 1)


def _session_told(state: PaymentState, fact: f.SessionTold) -> PaymentState:
    return replace(state, told=fact.ended)


def _guarded(state: PaymentState, fact: f.Guarded) -> PaymentState:
    return replace(state, guarded=True)


def _rated(state: PaymentState, fact: f.Rated) -> PaymentState:
    told = state.told
    bill = told.bill if told is not None else None
    if bill is not None and bill.cost != fact.cost:
        bill = None
    phase = after(state.phase, "rated")
    return replace(state, phase=phase, cost=fact.cost, kinds=fact.kinds, energy_wh=fact.energy_wh, bill=bill)


def _captured(state: PaymentState, fact: f.Captured) -> PaymentState:
    return replace(
        state,
        phase=after(state.phase, "captured"),
        captured_minor=fact.amount_minor,
        excess_minor=fact.excess_minor,
        captured_at=fact.at,
        fee_minor=fact.fee_minor,
        charge=fact.charge or state.charge,
        journals=(*state.journals, *fact.journals),
        hold_gone=True,
        reason=None if state.reason == "capture_failed" or state.phase == "lost" else state.reason,
    )


def _settled(state: PaymentState, fact: f.Settled) -> PaymentState:
    phase = after(state.phase, "settled")
    return replace(state, phase=phase, psp_fee_minor=fact.psp_fee_minor, journals=(*state.journals, *fact.journals))


def _capture_failed(state: PaymentState, fact: f.CaptureFailed) -> PaymentState:
    return replace(state, phase=after(state.phase, "failed"), reason="capture_failed")


def _released(state: PaymentState, fact: f.Released) -> PaymentState:
    phase = after(state.phase, "released")
    return replace(state, phase=phase, reason=fact.reason or state.reason, hold_gone=state.intent is not None, checkout_url=None)


def _lost(state: PaymentState, fact: f.Lost) -> PaymentState:
    return replace(state, phase=after(state.phase, "lost"), reason=fact.reason, hold_gone=True)


def _early(state: PaymentState, fact: f.Early) -> PaymentState:
    return replace(state, early=(*state.early, fact.seen))


def _refund_asked(state: PaymentState, fact: f.RefundAsked) -> PaymentState:
    known = Refund(fact.n, fact.id, fact.amount_minor, "asked", fact.at, fact.who, fact.reason, excess_minor=fact.excess_minor)
    return replace(state, refunds=(*state.refunds, known))


def _refund_found(state: PaymentState, fact: f.RefundFound) -> PaymentState:
    known = Refund(
        fact.n, fact.refund, fact.amount_minor, "new", fact.at, "provider", "found", fact.refund, excess_minor=fact.excess_minor
    )  # fmt: skip
    return replace(state, refunds=(*state.refunds, known))


def _refund_moved(state: PaymentState, fact: f.RefundMoved) -> PaymentState:
    """The sums follow the books: up with a refund that succeeded, down again with one that came back."""
    known = next((one for one in state.refunds if one.n == fact.n), None)
    if known is None:
        return state
    moved = replace(
        known,
        status=fact.status,
        refund=fact.refund or known.refund,
        fee_returned_minor=fact.fee_returned_minor,
        excess_minor=known.excess_minor if fact.excess_minor is None else fact.excess_minor,
    )
    sign = int(fact.status == "succeeded") - int(known.status == "succeeded")
    back = fact.fee_returned_minor - known.fee_returned_minor
    return replace(
        state,
        refunds=tuple(moved if one.n == fact.n else one for one in state.refunds),
        refunded_minor=state.refunded_minor + sign * moved.sold_minor,
        fee_returned_minor=state.fee_returned_minor + back,
        journals=(*state.journals, *fact.journals),
    )


def _dispute_moved(state: PaymentState, fact: f.DisputeMoved) -> PaymentState:
    moved = Dispute(
        fact.dispute, fact.status, fact.amount_minor, fact.at, fact.reason, fact.evidence_by, fact.withdrawn_minor,
        fact.twice_minor, fact.excess_minor,
    )  # fmt: skip
    others = tuple(one for one in state.disputes if one.dispute != fact.dispute)
    return replace(state, disputes=(*others, moved), journals=(*state.journals, *fact.journals))


_APPLY: dict[type, Callable[[PaymentState, Any], PaymentState]] = {
    f.Opened: _opened,
    f.Asked: _asked,
    f.Answered: _answered,
    f.Unsure: _unsure,
    f.CheckoutOpened: _checkout_opened,
    f.CheckoutOver: _checkout_over,
    f.Authorised: _authorised,
    f.Proven: _moved("proven", proof="proof", rule="rule", rule_detail="detail"),
    f.ProofRefused: _proof_refused,
    f.EvseAsked: _evse_asked,
    f.EvseHeld: _evse_held,
    f.Ordered: _ordered,
    f.Began: _moved("began", session="session", transaction_id="transaction_id", began_at="at"),
    f.StartFailed: _moved("start_failed", reason="reason"),
    f.Strayed: _strayed,
    f.StopOrdered: _stop_ordered,
    f.SessionTold: _session_told,
    f.Guarded: _guarded,
    f.Rated: _rated,
    f.TakenPast: lambda state, fact: replace(state, past=fact.seen),
    f.Capturing: _moved("capturing", capture_n="n", capture_minor="amount_minor", fee_minor="fee_minor"),
    f.CaptureUncertain: _moved("uncertain"),
    f.CaptureFailed: _capture_failed,
    f.Captured: _captured,
    f.Settled: _settled,
    f.Expired: _moved("expired", reason="reason"),
    f.Releasing: _moved("releasing", reason="reason"),
    f.Released: _released,
    f.Lost: _lost,
    f.Early: _early,
    f.RefundAsked: _refund_asked,
    f.RefundFound: _refund_found,
    f.RefundMoved: _refund_moved,
    f.DisputeMoved: _dispute_moved,
}


def apply(state: PaymentState, fact: Any) -> PaymentState:
    return _APPLY[type(fact)](state, fact)
