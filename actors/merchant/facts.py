"""What is remembered of a merchant. Of an OAuth flow only the hash of its `state`. Every type has a golden file."""

from datetime import datetime

import msgspec

from actors.merchant.messages import PartnerShare, Seller
from actors.model.platforms import INSTALLATION
from actors.model.psp import AccountSeen


class Put(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="put"):
    """The terms as PutMerchant gave them."""

    seller: Seller
    who: str
    at: datetime
    commission_percent: str = "0"
    commission_vat_percent: str = "19"
    sells: str = "owner"
    partners: tuple[PartnerShare, ...] = ()
    min_minor: int | None = None


class OnboardingBegun(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="onboarding_begun"):
    """`number` counts a merchant's flows: the idempotency keys of its calls follow from it. `state_hash` of an OAuth flow."""

    number: int
    method: str
    return_url: str
    refresh_url: str
    who: str
    at: datetime
    country: str = ""
    state_hash: str = ""
    until: datetime | None = None


class CodeTaken(msgspec.Struct, frozen=True, gc=False, tag="code_taken"):
    """The account's holder came back from the provider: the flow's `state` is used up."""

    number: int
    who: str
    at: datetime


class OnboardingFailed(msgspec.Struct, frozen=True, gc=False, tag="onboarding_failed"):
    number: int
    code: str
    detail: str
    at: datetime


class AccountTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="account_told"):
    """What the provider says of the account. `number`: of the flow that brought it, 0: it was told by itself. `platform`: the
    platform account to which that flow connected it."""

    seen: AccountSeen
    at: datetime
    number: int = 0
    platform: str = INSTALLATION


class PlatformTroubled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="platform_troubled"):
    """Of the brand: a platform account of its own cannot be used; `trouble` None: it can be again."""

    platform: str
    trouble: str | None
    at: datetime


class Draining(msgspec.Struct, frozen=True, gc=False, tag="draining"):
    """It is to be disconnected: no payment begins on its account any more."""

    who: str
    reason: str
    at: datetime


class DisconnectBegun(msgspec.Struct, frozen=True, gc=False, tag="disconnect_begun"):
    number: int
    at: datetime


# -- transfers ---------------------------------------------------------------------------------------------------


class Credited(msgspec.Struct, frozen=True, gc=False, tag="credited"):
    """The brand owes this merchant so much more, for `ref`."""

    ref: str
    role: str
    currency: str
    amount_minor: int
    at: datetime


class Debited(msgspec.Struct, frozen=True, gc=False, tag="debited"):
    """It owes so much less: `ref` is a refund of `session`."""

    ref: str
    session: str
    role: str
    currency: str
    amount_minor: int
    at: datetime


class MoveAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="move_asked"):
    """The provider is asked to move money: to the merchant (`transfer`), or back (`reversal` of the provider's `transfer`), on
    platform account `platform`: it goes back where it came from.
    `refs`: what for. `attempt` counts the keys that it was asked under: a refusal is remembered by the provider."""

    id: str
    kind: str
    role: str
    currency: str
    amount_minor: int
    refs: tuple[tuple[str, int], ...]
    at: datetime
    attempt: int = 1
    transfer: str | None = None
    platform: str = INSTALLATION


class MoveDone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="move_done"):
    id: str
    transfer: str
    at: datetime
    reversal: str | None = None
    journals: tuple[str, ...] = ()


class MoveRefused(msgspec.Struct, frozen=True, gc=False, tag="move_refused"):
    """Not now: it is asked again."""

    id: str
    code: str
    detail: str
    at: datetime


# -- payouts and balance -----------------------------------------------------------------------------------------


class PayoutTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="payout_told"):
    payout: str
    status: str
    amount_minor: int
    currency: str
    at: datetime
    arrival: datetime | None = None
    automatic: bool = True
    failure: str | None = None
    bank_reference: str | None = None
    journals: tuple[str, ...] = ()
    platform: str = INSTALLATION


class PayoutLinesAsked(msgspec.Struct, frozen=True, gc=False, tag="payout_lines_asked"):
    payout: str
    number: int
    at: datetime


class PayoutReconciled(msgspec.Struct, frozen=True, gc=False, tag="payout_reconciled"):
    """Its lines are known, and complete."""

    payout: str
    lines: int
    lines_minor: int
    at: datetime


class BalanceAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="balance_asked"):
    """`number` counts the questions, `after` the line to go on after."""

    number: int
    since: datetime
    at: datetime
    after: str | None = None


class BalanceTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="balance_told"):
    """(currency, available, pending) then, and up to when the lines are known. `more`: they go on."""

    number: int
    amounts: tuple[tuple[str, int, int], ...]
    upto: datetime
    at: datetime
    more: str | None = None


class LinesJudged(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="lines_judged"):
    """So many lines were compared with the books; those not matched are counted in `open`."""

    lines: int
    open: int
    at: datetime
    journals: tuple[str, ...] = ()


class LineResolved(msgspec.Struct, frozen=True, gc=False, tag="line_resolved"):
    """An operator said what it is."""

    line: str
    account: str
    reason: str
    who: str
    at: datetime


class BalanceCompared(msgspec.Struct, frozen=True, gc=False, tag="balance_compared"):
    """The end of a reconciliation: (currency, at the provider, in our books), available and pending together."""

    sums: tuple[tuple[str, int, int], ...]
    at: datetime


class EvidenceAsked(msgspec.Struct, frozen=True, gc=False, tag="evidence_asked"):
    """What speaks for us in a dispute is handed in."""

    id: str
    payment: str
    dispute: str
    who: str
    at: datetime


class PaymentsTold(msgspec.Struct, frozen=True, gc=False, tag="payments_told"):
    """Payments up to this one know that the account is gone."""

    account: str
    after: str
    at: datetime


MerchantFact = (
    Put | OnboardingBegun | CodeTaken | OnboardingFailed | AccountTold | PlatformTroubled | Draining | DisconnectBegun
    | Credited | Debited | MoveAsked | MoveDone | MoveRefused
    | PayoutTold | PayoutLinesAsked | PayoutReconciled | BalanceAsked | BalanceTold | LinesJudged | LineResolved
    | BalanceCompared | EvidenceAsked | PaymentsTold
)  # fmt: skip
