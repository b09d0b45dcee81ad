"""The language between our actors and the payment service provider (PSP): what they want done, and what was seen.

A *call* is the body of an outbox effect (topic `psp`, class "redeliver"), so it is committed before anything is sent.
Its `key` is the idempotency key: it comes from our rows, and a retry after a crash carries the same one (MONEY 1.8).
What was *seen* is the provider's object as it is now, in our own words; a state machine goes only forward on it, so it does
not matter how often or in which order it is told. `account` is the connected account on which the call is made; None: the
brand's own, its platform account. Amounts are integer minor units of ISO 4217; the gateway alone knows that a provider
counts some currencies otherwise. No personal data: no names, addresses, card numbers.
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.platforms import INSTALLATION

TOPIC = "psp"


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """`made_at`: when the wish was committed. From 20 hours on the provider may have forgotten `key`: then what was done is
    searched by `tenant`, `attempt` and `key` in the metadata, and only what is not found is sent. `platform`: the platform
    account for which it was made (platforms.py); whether it is one of the tenant's is judged where the key is taken."""

    key: str
    made_at: datetime
    account: str | None = None
    platform: str = INSTALLATION


class OpenCheckout(Call, frozen=True, kw_only=True, tag="open_checkout"):
    """A hosted payment page with a hold (manual capture), 3-D Secure asked for. `fee_minor`: application fee, where `account` is
    a connected account. `customer`: of a known driver; `save_card`: keep the card for later top-ups (`mandate`: the version
    of the text that was agreed to). Answer: CheckoutSeen."""

    tenant: str
    attempt: str
    amount_minor: int
    currency: str
    title: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    fee_minor: int = 0
    locale: str = "auto"
    customer: str | None = None
    save_card: bool = False
    mandate: str | None = None


class ExpireCheckout(Call, frozen=True, kw_only=True, tag="expire_checkout"):
    """Answer: CheckoutSeen. One that was paid a moment before is answered as it is."""

    checkout: str


class ChargeSaved(Call, frozen=True, kw_only=True, tag="charge_saved"):
    """A hold on a saved card while the driver is away, under a mandate. Answer: IntentSeen, or PspRefused with code
    `authentication_required`."""

    tenant: str
    attempt: str
    amount_minor: int
    currency: str
    customer: str
    payment_method: str
    mandate: str


class FetchCheckout(Call, frozen=True, kw_only=True, tag="fetch_checkout"):
    """Answer: CheckoutSeen, with its intent as it is now."""

    checkout: str


class FetchIntent(Call, frozen=True, kw_only=True, tag="fetch_intent"):
    """Answer: IntentSeen."""

    intent: str


class CancelIntent(Call, frozen=True, kw_only=True, tag="cancel_intent"):
    """Release a hold. Answer: IntentSeen, also where it was cancelled or captured already."""

    intent: str


class CaptureIntent(Call, frozen=True, kw_only=True, tag="capture_intent"):
    """Take at most what is held; the rest is released. `fee_minor`: application fee of this amount, told again (MONEY 1.1).
    Answer: IntentSeen."""

    intent: str
    amount_minor: int
    currency: str
    fee_minor: int = 0


class RefundCharge(Call, frozen=True, kw_only=True, tag="refund_charge"):
    """`return_fee`: give the application fee back in proportion. Answer: RefundSeen."""

    tenant: str
    attempt: str
    intent: str
    amount_minor: int
    currency: str
    return_fee: bool = False


class FetchRefund(Call, frozen=True, kw_only=True, tag="fetch_refund"):
    """Answer: RefundSeen."""

    refund: str


class FetchDispute(Call, frozen=True, kw_only=True, tag="fetch_dispute"):
    """Answer: DisputeSeen."""

    dispute: str


class SubmitEvidence(Call, frozen=True, kw_only=True, tag="submit_evidence"):
    """`texts`: field of the provider's evidence -> text; `files`: field -> (file name, PDF as base64). Answer: DisputeSeen."""

    dispute: str
    texts: dict[str, str] = {}
    files: dict[str, tuple[str, str]] = {}


class MakeTransfer(Call, frozen=True, kw_only=True, tag="make_transfer"):
    """From the brand's balance to a connected account. Answer: TransferSeen."""

    tenant: str
    merchant: str
    destination: str
    amount_minor: int
    currency: str
    group: str


class ReverseTransfer(Call, frozen=True, kw_only=True, tag="reverse_transfer"):
    """Answer: TransferSeen."""

    tenant: str
    merchant: str
    transfer: str
    amount_minor: int
    currency: str


class FetchAccount(Call, frozen=True, kw_only=True, tag="fetch_account"):
    """Answer: AccountSeen of `account`."""


class OpenAccount(Call, frozen=True, kw_only=True, tag="open_account"):
    """Make a connected account. `method`: account_link (v1 with controller properties) or accounts_v2. Answer: AccountSeen."""

    tenant: str
    merchant: str
    method: Literal["account_link", "accounts_v2"]
    country: str


class LinkAccount(Call, frozen=True, kw_only=True, tag="link_account"):
    """A page on which `account`'s holder tells the provider who they are. Answer: LinkSeen."""

    return_url: str
    refresh_url: str
    method: Literal["account_link", "accounts_v2"]


class ConnectAccount(Call, frozen=True, kw_only=True, tag="connect_account"):
    """OAuth: exchange the code that the account's holder brought back. Answer: AccountSeen."""

    tenant: str
    merchant: str
    code: str


class DisconnectAccount(Call, frozen=True, kw_only=True, tag="disconnect_account"):
    """Answer: AccountSeen with `connected` false."""


class FetchPayout(Call, frozen=True, kw_only=True, tag="fetch_payout"):
    """With `lines`: its balance transactions too (automatic payouts). Answer: PayoutSeen."""

    payout: str
    lines: bool = False


class FetchBalance(Call, frozen=True, kw_only=True, tag="fetch_balance"):
    """Balance and the balance transactions from `since` on, oldest first. Answer: BalanceSeen."""

    since: datetime
    after: str | None = None


AnyCall = (
    OpenCheckout | ExpireCheckout | ChargeSaved | FetchCheckout | FetchIntent | CancelIntent | CaptureIntent | RefundCharge
    | FetchRefund | FetchDispute | SubmitEvidence | MakeTransfer | ReverseTransfer | FetchAccount | OpenAccount | LinkAccount
    | ConnectAccount | DisconnectAccount | FetchPayout | FetchBalance
)  # fmt: skip


# -- what was seen -----------------------------------------------------------------------------------------------


class CardProof(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the issuer vouches for, by which the gate of strong customer authentication decides (MONEY 1.3). `country`: ISO 3166
    alpha-2 of the card; `result`: three_d_secure.result or None; `wallet`: apple_pay, google_pay, link ...; `device_token`: the
    wallet used one, None where that is not told; `flow`: challenge or frictionless."""

    country: str | None
    result: str | None = None
    wallet: str | None = None
    device_token: bool | None = None
    flow: str | None = None
    exemption: str | None = None
    eci: str | None = None


class FeeLine(msgspec.Struct, frozen=True, gc=False):
    """`kind`: stripe_fee, application_fee, tax ..."""

    kind: str
    amount_minor: int


class BalanceLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A balance transaction: `net_minor` = `amount_minor` - `fee_minor`. `source`: id of what it is about. `kind`: the
    provider's type, which may be one that we do not know."""

    id: str
    kind: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created: datetime
    source: str | None = None
    available_on: datetime | None = None
    status: str = "pending"
    fees: tuple[FeeLine, ...] = ()
    about: str | None = None
    """Where `source` is nothing of ours: the charge of an application fee (also of one that was given back), the transfer or
    reversal behind what a connected account got or gave."""


class IntentSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="intent"):
    """`status`: requires_payment_method, requires_action, processing, requires_capture, canceled, succeeded ... `proof` once
    there is a charge. `line`: the charge's balance transaction once it was captured; `disputed` and `refunded_minor` are the
    charge's."""

    intent: str
    status: str
    amount_minor: int
    capturable_minor: int
    received_minor: int
    currency: str
    account: str | None = None
    charge: str | None = None
    capture_before: datetime | None = None
    proof: CardProof | None = None
    line: BalanceLine | None = None
    refunded_minor: int = 0
    disputed: bool = False
    customer: str | None = None
    payment_method: str | None = None
    error: str | None = None
    """Code of the last failure (card_declined, authentication_required ...)."""
    fee_minor: int | None = None
    """Application fee as the provider took it."""
    card: str | None = None
    """The same for the same card, and nothing else is known of it: a digest of what the provider calls its fingerprint."""


class CheckoutSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="checkout"):
    """`status`: open, complete or expired. `url` while it is open."""

    checkout: str
    status: str
    url: str | None = None
    expires_at: datetime | None = None
    intent: IntentSeen | None = None


class RefundSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="refund"):
    """`status`: pending, requires_action, succeeded, failed, canceled. `fee_returned_minor`: of the application fee, as the
    provider counted it. `key`: of the call that made it; None: it was made elsewhere (the provider's dashboard)."""

    refund: str
    status: str
    amount_minor: int
    currency: str
    intent: str | None = None
    key: str | None = None
    fee_returned_minor: int = 0
    line: BalanceLine | None = None
    reason: str | None = None


class DisputeSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="dispute"):
    """`status`: needs_response, under_review, won, lost, warning_... `lines`: none to two: withdrawn, reinstated."""

    dispute: str
    status: str
    amount_minor: int
    currency: str
    intent: str | None = None
    reason: str | None = None
    evidence_by: datetime | None = None
    lines: tuple[BalanceLine, ...] = ()


class TransferSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="transfer"):
    """`key` as in RefundSeen; for a reversal, `reversal` and its `amount_minor`."""

    transfer: str
    amount_minor: int
    currency: str
    destination: str | None = None
    reversed_minor: int = 0
    reversal: str | None = None
    key: str | None = None
    line: BalanceLine | None = None


class AccountSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="account"):
    """`due`: what the provider still wants to know, by its field names."""

    account: str
    connected: bool = True
    charges_enabled: bool = False
    payouts_enabled: bool = False
    card_payments: str = "inactive"
    country: str | None = None
    currency: str | None = None
    due: tuple[str, ...] = ()


class LinkSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="link"):
    url: str
    expires_at: datetime | None = None


class PayoutSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="payout"):
    """`status`: pending, in_transit, paid, failed, canceled; one that was paid may still fail. `reconciled`: its `lines` are
    complete."""

    payout: str
    status: str
    amount_minor: int
    currency: str
    arrival: datetime | None = None
    automatic: bool = True
    reconciled: bool = False
    line: BalanceLine | None = None
    lines: tuple[BalanceLine, ...] = ()
    failure: str | None = None
    bank_reference: str | None = None


class BalanceSeen(msgspec.Struct, frozen=True, omit_defaults=True, tag="balance"):
    """(currency, available, pending); `more`: the id to go on after."""

    amounts: tuple[tuple[str, int, int], ...]
    lines: tuple[BalanceLine, ...] = ()
    more: str | None = None


class PspRefused(msgspec.Struct, frozen=True, omit_defaults=True, tag="refused"):
    """The provider says no, and would again: `code` is its word (card_declined, amount_too_large, account_invalid ...)."""

    code: str
    detail: str = ""


class PspUnsure(msgspec.Struct, frozen=True, omit_defaults=True, tag="unsure"):
    """Nobody can tell whether it was done: it is asked again with the same key, and meanwhile the state says so."""

    detail: str = ""


Seen = (
    IntentSeen | CheckoutSeen | RefundSeen | DisputeSeen | TransferSeen | AccountSeen | LinkSeen | PayoutSeen | BalanceSeen
    | PspRefused | PspUnsure
)  # fmt: skip


class PspAnswer(msgspec.Struct, frozen=True, tag="psp_answer"):
    """Message to the actor whose effect `effect` it was; its commit settles the effect (runtime/outbox.py)."""

    effect: str
    call: AnyCall
    seen: Seen


class PspObserved(msgspec.Struct, frozen=True, tag="psp_observed"):
    """Message to the actor concerned: what the provider has now, fetched because a webhook, a poll or a sweep said that something
    changed. `event`: id of the webhook's event, if it was one; `platform`: on whose platform account it was seen. Reply: Done."""

    seen: Seen
    event: str | None = None
    platform: str = INSTALLATION
