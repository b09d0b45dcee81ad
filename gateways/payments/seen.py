"""Stripe's objects, as plain dictionaries, in our words (actors/model/psp.py). Pure: no client, no clock.

What is missing or not expanded is left out rather than guessed; a type or a status that we do not know is passed on as it is.
Names, addresses and card numbers, which most of these objects hold somewhere, are not looked at.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from actors.model.ids import digest
from actors.model.psp import (
    AccountSeen,
    BalanceLine,
    BalanceSeen,
    CardProof,
    CheckoutSeen,
    DisputeSeen,
    FeeLine,
    IntentSeen,
    LinkSeen,
    PayoutSeen,
    RefundSeen,
    TransferSeen,
)
from gateways.payments.currency import from_stripe

Object = Mapping[str, Any]


def intent_seen(intent: Object, account: str | None) -> IntentSeen:
    """A PaymentIntent with `latest_charge.balance_transaction` and `latest_charge.refunds` expanded."""
    currency = _currency(intent)
    charge = _object(intent.get("latest_charge"))
    failure = intent.get("last_payment_error") or {}
    card = ((charge or {}).get("payment_method_details") or {}).get("card")
    fee = (charge or {}).get("application_fee_amount")
    refunded = _refunded(charge) if charge is not None else 0
    return IntentSeen(
        intent=intent["id"],
        status=intent["status"],
        amount_minor=from_stripe(intent["amount"], currency),
        capturable_minor=from_stripe(intent.get("amount_capturable") or 0, currency),
        received_minor=from_stripe(intent.get("amount_received") or 0, currency),
        currency=currency,
        account=account,
        charge=_id(intent.get("latest_charge")),
        capture_before=_time((card or {}).get("capture_before")),
        proof=None if card is None else card_proof(card),
        line=balance_line(_object((charge or {}).get("balance_transaction"))),
        refunded_minor=from_stripe(refunded, currency),
        disputed=bool((charge or {}).get("disputed")),
        customer=_id(intent.get("customer")),
        payment_method=_id(intent.get("payment_method")),
        error=failure.get("code"),
        fee_minor=None if fee is None else from_stripe(fee, currency),
        card=_pseudonym((card or {}).get("fingerprint")),
    )


def _pseudonym(fingerprint: Any) -> str | None:
    """Of a card: what the provider calls its fingerprint stays with the provider."""
    return "c" + digest("card", fingerprint) if isinstance(fingerprint, str) and fingerprint else None


def _refunded(charge: Object) -> int:
    """What was given back of a charge. The part of a hold that was never taken is shown as a refund, too, one that no balance
    knows of; so the refunds are looked at one by one, as long as they are all here."""
    refunds = charge.get("refunds") or {}
    if refunds and not refunds.get("has_more"):
        return sum(
            one["amount"]
            for one in refunds["data"]
            if one.get("balance_transaction") and one.get("status") not in ("failed", "canceled")
        )
    refunded = charge.get("amount_refunded") or 0
    rest = charge["amount"] - charge["amount_captured"] if charge.get("captured") else charge["amount"]
    return refunded - rest if refunded >= rest else refunded


def card_proof(card: Object) -> CardProof:
    """Of `payment_method_details.card`. A wallet's device token shows by its own last four digits; with Apple Pay there is
    always one."""
    proof, wallet = card.get("three_d_secure") or {}, card.get("wallet") or {}
    kind = wallet.get("type")
    token = True if kind == "apple_pay" else wallet.get("dynamic_last4") is not None if kind == "google_pay" else None
    return CardProof(
        country=card.get("country"),
        result=proof.get("result"),
        wallet=kind,
        device_token=token,
        flow=proof.get("authentication_flow"),
        exemption=proof.get("exemption_indicator") if proof.get("exemption_indicator_applied") else None,
        eci=proof.get("electronic_commerce_indicator"),
    )


def checkout_seen(session: Object, account: str | None) -> CheckoutSeen:
    intent = _object(session.get("payment_intent"))
    return CheckoutSeen(
        checkout=session["id"],
        status=session["status"],
        url=session.get("url"),
        expires_at=_time(session.get("expires_at")),
        intent=None if intent is None else intent_seen(intent, account),
    )


def refund_seen(refund: Object) -> RefundSeen:
    """A Refund with `balance_transaction` expanded. Of a direct charge that line also tells what came back of the application
    fee: as a negative fee."""
    currency = _currency(refund)
    line = balance_line(_object(refund.get("balance_transaction")))
    fees = line.fees if line is not None and line.currency == currency else ()  # another balance's money is not the fee's
    returned = sum(-fee.amount_minor for fee in fees if fee.kind == "application_fee")
    return RefundSeen(
        refund=refund["id"],
        status=refund.get("status") or "pending",
        amount_minor=from_stripe(refund["amount"], currency),
        currency=currency,
        intent=_id(refund.get("payment_intent")),
        key=_metadata(refund).get("key"),
        fee_returned_minor=max(0, returned),
        line=line,
        reason=refund.get("failure_reason") or refund.get("reason"),
    )


def dispute_seen(dispute: Object) -> DisputeSeen:
    currency = _currency(dispute)
    return DisputeSeen(
        dispute=dispute["id"],
        status=dispute["status"],
        amount_minor=from_stripe(dispute["amount"], currency),
        currency=currency,
        intent=_id(dispute.get("payment_intent")),
        reason=dispute.get("reason"),
        evidence_by=_time((dispute.get("evidence_details") or {}).get("due_by")),
        lines=balance_lines(dispute.get("balance_transactions") or ()),
    )


def transfer_seen(transfer: Object) -> TransferSeen:
    """A Transfer with `balance_transaction` expanded."""
    currency = _currency(transfer)
    return TransferSeen(
        transfer=transfer["id"],
        amount_minor=from_stripe(transfer["amount"], currency),
        currency=currency,
        destination=_id(transfer.get("destination")),
        reversed_minor=from_stripe(transfer.get("amount_reversed") or 0, currency),
        key=_metadata(transfer).get("key"),
        line=balance_line(_object(transfer.get("balance_transaction"))),
    )


def reversal_seen(reversal: Object) -> TransferSeen:
    """A TransferReversal with `balance_transaction` and `transfer` expanded."""
    currency = _currency(reversal)
    transfer = _object(reversal.get("transfer")) or {}
    amount = from_stripe(reversal["amount"], currency)
    return TransferSeen(
        transfer=_id(reversal["transfer"]) or "",
        amount_minor=amount,
        currency=currency,
        destination=_id(transfer.get("destination")),
        reversed_minor=from_stripe(transfer["amount_reversed"], currency) if "amount_reversed" in transfer else amount,
        reversal=reversal["id"],
        key=_metadata(reversal).get("key"),
        line=balance_line(_object(reversal.get("balance_transaction"))),
    )


def account_seen(account: Object) -> AccountSeen:
    wanted = account.get("requirements") or {}
    due = {*(wanted.get("currently_due") or ()), *(wanted.get("past_due") or ())}
    currency = account.get("default_currency")
    return AccountSeen(
        account=account["id"],
        charges_enabled=bool(account.get("charges_enabled")),
        payouts_enabled=bool(account.get("payouts_enabled")),
        card_payments=(account.get("capabilities") or {}).get("card_payments") or "inactive",
        country=account.get("country"),
        currency=currency.upper() if currency else None,
        due=tuple(sorted(due)),
    )


def link_seen(link: Object) -> LinkSeen:
    expires = link.get("expires_at")
    at = datetime.fromisoformat(expires) if isinstance(expires, str) else _time(expires)
    return LinkSeen(url=link["url"], expires_at=at)


def payout_seen(payout: Object, lines: tuple[BalanceLine, ...] = ()) -> PayoutSeen:
    """`reconciled` is true only when the lines are here as well: then they are complete."""
    currency = _currency(payout)
    return PayoutSeen(
        payout=payout["id"],
        status=payout["status"],
        amount_minor=from_stripe(payout["amount"], currency),
        currency=currency,
        arrival=_time(payout.get("arrival_date")),
        automatic=bool(payout.get("automatic")),
        reconciled=bool(lines) and payout.get("reconciliation_status") == "completed",
        line=balance_line(_object(payout.get("balance_transaction"))),
        lines=lines,
        failure=payout.get("failure_code"),
        bank_reference=(payout.get("trace_id") or {}).get("value"),
    )


def balance_seen(balance: Object, lines: tuple[BalanceLine, ...], more: str | None) -> BalanceSeen:
    amounts: dict[str, list[int]] = {}
    for place, name in enumerate(("available", "pending")):
        for part in balance.get(name) or ():
            currency = _currency(part)
            amounts.setdefault(currency, [0, 0])[place] += from_stripe(part["amount"], currency)
    sums = tuple((currency, parts[0], parts[1]) for currency, parts in sorted(amounts.items()))
    return BalanceSeen(amounts=sums, lines=lines, more=more)


def balance_lines(lines: Iterable[Object]) -> tuple[BalanceLine, ...]:
    made = (balance_line(line) for line in lines)
    return tuple(line for line in made if line is not None)


def balance_line(line: Object | None) -> BalanceLine | None:
    """A BalanceTransaction, in the currency of the balance, which is not always the charge's."""
    if line is None:
        return None
    currency = _currency(line)
    return BalanceLine(
        id=line["id"],
        kind=line["type"],
        amount_minor=from_stripe(line["amount"], currency),
        fee_minor=from_stripe(line["fee"], currency),
        net_minor=from_stripe(line["net"], currency),
        currency=currency,
        created=_time(line["created"]) or datetime.fromtimestamp(0, UTC),
        source=_id(line.get("source")),
        available_on=_time(line.get("available_on")),
        status=line.get("status") or "pending",
        about=_about(_object(line.get("source"))),
        fees=tuple(
            FeeLine(fee["type"], from_stripe(fee["amount"], _currency(fee)))
            for fee in line.get("fee_details") or ()
            if fee["amount"]
        ),
    )


def _about(source: Object | None) -> str | None:
    """What is behind the source of a line, where it was expanded: the charge of a fee, the transfer or reversal of what a
    connected account got or gave."""
    match (source or {}).get("object"):
        case "application_fee":
            return _id((source or {}).get("charge"))
        case "fee_refund":
            return _id((_object((source or {}).get("fee")) or {}).get("charge"))
        case "charge":
            return _id((source or {}).get("source_transfer"))
        case "refund":
            return _id((source or {}).get("source_transfer_reversal"))
    return None


def _object(value: Any) -> Object | None:
    """An expandable field where it was expanded."""
    return value if isinstance(value, Mapping) else None


def _id(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else None


def _metadata(value: Object) -> Object:
    return value.get("metadata") or {}


def _currency(value: Object) -> str:
    return str(value["currency"]).upper()


def _time(value: Any) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None
