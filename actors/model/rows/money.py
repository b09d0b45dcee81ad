"""Whose money it is and where it is on its way: payments, wallets, merchants, and what moves on accounts with the payment
provider. Read models: the books are `ledger.py`."""

from datetime import datetime
from typing import Any

from actors.model.money import Cost
from actors.model.platforms import INSTALLATION
from actors.model.rows.base import Row


class PaymentRow(Row, frozen=True, gc=False, kw_only=True):
    """A payment attempt (actors/payment). `purpose`: session, topup or auto_topup. `state`: of actors/payment/phases.py, as
    in MONEY 1.1. `reason`: why it went no further (`evse_claimed`, `sca_refused`, `start_failed`, `card_declined` ...).
    `proof`: what the 3-D Secure gate saw and said. `platform`: the platform account by which it was made (platforms.py);
    `account`: the connected account, None: the platform account itself. `captured_minor`: of the sale; `excess_minor` was taken
    beyond it, past us, and is the driver's. `refunds`: [{id, refund, amount_minor, excess_minor, fee_minor, status, reason,
    who, at}]."""

    id: str
    purpose: str
    state: str
    currency: str
    hold_minor: int
    created_at: datetime
    updated_at: datetime
    limit_minor: int = 0
    cost: Cost | None = None
    captured_minor: int = 0
    excess_minor: int = 0
    refunded_minor: int = 0
    fee_minor: int = 0
    psp_fee_minor: int | None = None
    station: str = ""
    evse: int = 0
    code: str = ""
    merchant: str = ""
    account: str | None = None
    platform: str = INSTALLATION
    wallet: str = ""
    checkout: str | None = None
    checkout_url: str | None = None
    intent: str | None = None
    charge: str | None = None
    capture_before: datetime | None = None
    session: str | None = None
    transaction_id: str | None = None
    token_ref: str | None = None
    reason: str | None = None
    proof: dict[str, Any] | None = None
    quote: dict[str, Any] | None = None
    refunds: list[dict[str, Any]] = []
    dispute: dict[str, Any] | None = None
    journals: list[str] = []


class WalletRow(Row, frozen=True, gc=False, kw_only=True):
    """A wallet (actors/wallet). `state`: open, blocked, closing or closed. `balance_minor`: the driver's money, `held_minor` of
    it is reserved; `promo_minor`: credit that is not the driver's money; `owed_minor`: what sessions cost beyond it."""

    id: str
    state: str
    currency: str
    balance_minor: int
    held_minor: int
    created_at: datetime
    updated_at: datetime
    promo_minor: int = 0
    owed_minor: int = 0
    owner: str = ""
    session_limit_minor: int | None = None
    auto: dict[str, Any] | None = None
    has_card: bool = False


class WalletLineRow(Row, frozen=True, gc=False, kw_only=True):
    """A line of a wallet's statement. `kind`: topup, session, promo, refund, payout, collected. `amount_minor` signed from the
    driver's side; `balance_minor` after it."""

    wallet: str
    id: str
    at: datetime
    kind: str
    amount_minor: int
    balance_minor: int
    currency: str
    ref: str
    journal: str | None = None
    detail: dict[str, Any] = {}


class MerchantRow(Row, frozen=True, gc=False, kw_only=True):
    """A merchant (actors/merchant). `seller`: as actors/merchant/messages.Seller. `onboarding`: none, started, pending, done or
    disconnected. `platform`: the platform account that `account` is connected to. `terms`: commission, partners and the rest of
    PutMerchant."""

    id: str
    seller: dict[str, Any]
    terms: dict[str, Any]
    updated_at: datetime
    account: str | None = None
    platform: str = INSTALLATION
    onboarding: str = "none"
    charges_enabled: bool = False
    payouts_enabled: bool = False
    card_payments: str = "inactive"
    due: list[str] = []
    draining: bool = False
    """It is to be disconnected: no new payment begins on its account."""
    deleted: bool = False


class TransferRow(Row, frozen=True, gc=False, kw_only=True):
    """Money of the brand on its way to an owner or partner (kind `transfer`), or back (`reversal`). `state`: asked, waiting (the
    provider said no for `reason`; it is asked again) or done. `transfer`: the provider's id, of a reversal the one of the
    transfer that it takes back; `refs`: [[what it is for, amount]]; `left_minor`: of a transfer, what was not taken back."""

    id: str
    merchant: str
    kind: str
    role: str
    state: str
    currency: str
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    transfer: str | None = None
    reversal: str | None = None
    left_minor: int = 0
    refs: list[list[Any]] = []
    reason: str | None = None
    journals: list[str] = []


class PayoutRow(Row, frozen=True, gc=False, kw_only=True):
    """A payout from an account with the provider to a bank. `account`: the provider's id, `brand` for the brand's own. `status`:
    pending, in_transit, paid, failed or canceled. `reconciled`: its balance transactions are known, `lines` of them, which
    come to `lines_minor`."""

    id: str
    merchant: str
    account: str
    status: str
    currency: str
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    arrival: datetime | None = None
    automatic: bool = True
    reconciled: bool = False
    lines: int = 0
    lines_minor: int | None = None
    failure: str | None = None
    bank_reference: str | None = None
    journals: list[str] = []


class BalanceLineRow(Row, frozen=True, gc=False, kw_only=True):
    """A movement on an account with the provider (its balance transaction), and what our books say to it. `state`: matched
    (`journals` come to its net), differs (they come to `expected_minor`), doubled (they are another movement's), unmatched,
    resolved (an operator said what it is: `resolved_to`), elsewhere (another tenant's, on a shared account). `corrections`:
    journals that put what is not explained to suspense, and out again, `suspense_minor` being there now. `pending_minor`: what
    `journals` have as pending, `suspense_pending_minor`: what the corrections have; `moved_minor` of both is booked as
    available."""

    account: str
    id: str
    merchant: str
    kind: str
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    created: datetime
    state: str
    first_seen_at: datetime
    updated_at: datetime
    available_on: datetime | None = None
    source: str | None = None
    about: str | None = None
    payout: str | None = None
    expected_minor: int | None = None
    journals: list[str] = []
    corrections: list[str] = []
    suspense_minor: int = 0
    suspense_pending_minor: int = 0
    pending_minor: int = 0
    moved_minor: int = 0
    resolved_to: str | None = None
    reason: str | None = None
