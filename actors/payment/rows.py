"""What a payment shows to the outside: its read-model row, its lines in the event feed, its one-time token's card."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.decision import AddressKey
from actors.model.rows import EventRow, PaymentRow, TokenRow
from actors.model.token import Agreed, Site, TokenTerms
from actors.payment.phases import public_state
from actors.payment.state import PaymentState, Refund


def state_of(state: PaymentState) -> str:
    """As the API names it."""
    dispute = state.dispute
    return public_state(
        state.phase, state.captured_minor, state.refunded_minor, dispute.status if dispute is not None else None
    )  # fmt: skip


def hold_of(state: PaymentState) -> int:
    """What the provider is asked to hold."""
    if state.quote is not None:
        return state.quote.hold_minor
    return state.top_up.amount_minor if state.top_up is not None else 0


def purpose_of(state: PaymentState) -> str:
    top_up = state.top_up
    if top_up is None:
        return "session"
    return "auto_topup" if top_up.automatic else "topup"


def payment_row(here: AddressKey, state: PaymentState, now: datetime) -> PaymentRow:
    opened = state.opened
    assert opened is not None, "an attempt without a first fact has no row"
    quote, top_up = state.quote, state.top_up
    return PaymentRow(
        tenant=here[0],
        id=here[2],
        purpose=purpose_of(state),
        state=state_of(state),
        currency=opened.order.currency,
        hold_minor=hold_of(state),
        created_at=opened.at,
        updated_at=now,
        limit_minor=quote.limit_minor if quote is not None else 0,
        cost=state.cost,
        captured_minor=state.captured_minor,
        excess_minor=state.excess_minor,
        refunded_minor=state.refunded_minor,
        fee_minor=state.fee_minor,
        psp_fee_minor=state.psp_fee_minor,
        station=quote.station if quote is not None else "",
        evse=quote.evse if quote is not None else 0,
        code=quote.code if quote is not None else "",
        merchant=opened.deal.merchant,
        account=opened.deal.account,
        platform=opened.deal.platform,
        wallet=top_up.wallet if top_up is not None else "",
        checkout=state.checkout,
        checkout_url=state.checkout_url,
        intent=state.intent,
        charge=state.charge,
        capture_before=state.capture_before,
        session=state.session,
        transaction_id=state.transaction_id or None,
        token_ref=state.token.ref if state.token is not None else None,
        reason=state.reason,
        proof=_proof(state),
        quote=msgspec.to_builtins(quote) if quote is not None else None,
        refunds=[_refund(refund) for refund in state.refunds],
        dispute=_dispute(state),
        journals=list(state.journals),
    )


def _proof(state: PaymentState) -> dict[str, Any] | None:
    if state.rule is None:
        return None
    seen = msgspec.to_builtins(state.proof) if state.proof is not None else {}
    accepted = state.phase != "proof_refused" and state.reason != "sca_refused"
    return {**seen, "rule": state.rule, "detail": state.rule_detail, "accepted": accepted}


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "n": refund.n,
        "refund": refund.refund,
        "amount_minor": refund.amount_minor,
        "excess_minor": refund.excess_minor,
        "fee_minor": refund.fee_returned_minor,
        "status": refund.status,
        "reason": refund.reason,
        "who": refund.who,
        "at": msgspec.to_builtins(refund.at),
    }


def _dispute(state: PaymentState) -> dict[str, Any] | None:
    dispute = state.dispute
    if dispute is None:
        return None
    shown: dict[str, Any] = msgspec.to_builtins(
        {
            "id": dispute.dispute,
            "status": dispute.status,
            "amount_minor": dispute.amount_minor,
            "withdrawn_minor": dispute.withdrawn_minor,
            "refunded_before_minor": twice_of(state),
            "reason": dispute.reason,
            "evidence_by": dispute.evidence_by,
            "at": dispute.at,
        }
    )
    return shown


def twice_of(state: PaymentState) -> int:
    """What the newest dispute takes, or took, back although it was refunded: the driver has it twice, or will."""
    dispute = state.dispute
    if dispute is None or dispute.status not in ("open", "lost"):
        return 0
    if dispute.status == "lost":
        return dispute.twice_minor
    left = state.captured_minor - state.refunded_minor - state.lost_minor + state.excess_left_minor
    return max(0, dispute.withdrawn_minor - max(0, left))


def event_row(here: AddressKey, state: PaymentState, kind: str, now: datetime, more: dict[str, Any]) -> EventRow:
    body: dict[str, Any] = {"attempt": here[2], "state": state_of(state), "purpose": purpose_of(state)}
    quote, top_up = state.quote, state.top_up
    if quote is not None:
        body |= {"station": quote.station, "evse": quote.evse, "merchant": quote.merchant}
    if top_up is not None:
        body["wallet"] = top_up.wallet
    if state.session is not None:
        body["session"] = state.session
    if state.captured_minor:
        body["captured_minor"] = state.captured_minor
    if state.reason is not None:
        body["reason"] = state.reason
    return EventRow(tenant=here[0], kind=f"payment.{kind}", subject=here[2], at=now, body=body | more)


def token_row(here: AddressKey, state: PaymentState, status: str, expires: datetime) -> TokenRow | None:
    """The token is good on its EVSE only; its session is rated as the driver was shown, and stopped before it costs more."""
    token, quote = state.token, state.quote
    if token is None or quote is None:
        return None
    return TokenRow(
        tenant=here[0],
        ref=token.ref,
        type=token.type,
        status=status,
        masked=token.masked,
        expires=expires,
        payment=f"attempt:{here[2]}",
        terms=TokenTerms(
            sites=(Site(quote.station, (quote.evse,)),),
            limit_minor=quote.limit_minor,
            agreed=Agreed(quote.tariff, quote.clicked_at),
        ),
    )


def redacted(state: PaymentState) -> Any:
    """For the console: without pages that somebody could pay on, or return to, and without what is sealed."""
    shown = msgspec.to_builtins(state)
    for name in ("sealed", "checkout_url"):
        shown.pop(name, None)
    if "opened" in shown:
        for name in ("return_url", "cancel_url"):
            shown["opened"].pop(name, None)
    shown["calls"] = {name: {"op": type(wish.call).__name__, "tries": wish.tries} for name, wish in state.calls.items()}
    return shown
