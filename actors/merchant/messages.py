"""What a merchant is told: who sells the energy and is paid for it. `brand` is the tenant itself, on its own account with the
provider; every other one is an owner of stations or a partner with a connected account.

    gateway    PutMerchant, StartOnboarding, FinishOAuth, Disconnect, Reconcile, ResolveItem, Look
    provider   PspAnswer, PspObserved; of its keys: PlatformTrouble
    session    OwnerCredited (wallet sessions), wallet: OwnerDebited
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.platforms import INSTALLATION

BRAND = "brand"
"""Id of the merchant that is the tenant itself; also the name of its book in the ledger."""


class Seller(msgspec.Struct, frozen=True, omit_defaults=True):
    """The seller of record as documents and pay pages name it (MONEY 2.3)."""

    name: str
    address: tuple[str, ...] = ()
    country: str = ""
    vat_id: str = ""
    email: str = ""
    phone: str = ""
    complaints: str = ""
    """Where to complain: ADR body or address."""
    terms_url: str = ""
    privacy_url: str = ""
    renewable: bool | None = None
    """100 % renewable energy; None: no claim."""
    public_key_url: str = ""
    """Where the keys of signed meter values can be looked up."""


class PartnerShare(msgspec.Struct, frozen=True, gc=False):
    """`percent` of the net of each session goes to merchant `partner` (a site host, a referrer)."""

    partner: str
    percent: str


class PutMerchant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Create or change. `commission_percent`: of the gross, what the brand keeps, VAT of `commission_vat_percent` in it. `sells`:
    owner (the merchant is the seller of record) or brand. `min_minor`: smallest amount that is captured, below it the hold is
    released and the session waived. Reply: MerchantRow or Refused."""

    who: str
    seller: Seller
    commission_percent: str = "0"
    commission_vat_percent: str = "19"
    sells: Literal["owner", "brand"] = "owner"
    partners: tuple[PartnerShare, ...] = ()
    account: str | None = None
    """An account that is connected already."""
    min_minor: int | None = None


class StartOnboarding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reply: OnboardingAt, or Refused. `state`: the one-time secret of an OAuth flow, bound to tenant and operator by the
    gateway (only its hash comes here)."""

    who: str
    method: Literal["oauth", "account_link", "accounts_v2"]
    return_url: str
    refresh_url: str
    country: str = ""
    state_hash: str = ""


class OnboardingAt(msgspec.Struct, frozen=True, omit_defaults=True):
    """`url` None for oauth: the gateway makes it."""

    url: str | None
    account: str | None = None


class FinishOAuth(msgspec.Struct, frozen=True):
    """Reply: MerchantRow, or Refused (wrong_state, psp_refused)."""

    who: str
    code: str
    state_hash: str


class Disconnect(msgspec.Struct, frozen=True):
    """Drain first: Refused(code="open_holds") while holds are open on the account. Reply: MerchantRow."""

    who: str
    reason: str


class Reconcile(msgspec.Struct, frozen=True):
    """Fetch balance and new balance transactions now. Reply: Done."""

    who: str


class ResolveItem(msgspec.Struct, frozen=True):
    """An unmatched item is explained by an operator: moved from suspense to `account` of the chart. Reply: Done or Refused."""

    who: str
    item: str
    account: str
    reason: str


class HandInEvidence(msgspec.Struct, frozen=True):
    """Hand in what speaks for us in a dispute of a payment on this merchant's account. `id`: the caller's, so that it is handed
    in once. `texts`: as in psp.SubmitEvidence; `platform`: the payment's. Reply: Done once it is committed; what comes
    of it the payment shows."""

    id: str
    who: str
    payment: str
    dispute: str
    texts: dict[str, str]
    platform: str = INSTALLATION


class Look(msgspec.Struct, frozen=True):
    """Reply: MerchantRow as of now, None where there is no such merchant."""


class TransferDue(msgspec.Struct, frozen=True, gc=False, tag="transfer_due"):
    """Durable timer: what is owed has waited long enough, or has an account to go to."""


class MoveAgain(msgspec.Struct, frozen=True, gc=False, tag="move_again"):
    """Durable timer: a transfer or reversal that the provider refused is asked for again."""

    id: str


class PayoutDue(msgspec.Struct, frozen=True, gc=False, tag="payout_due"):
    """Durable timer: the lines of a payout are asked for again."""

    payout: str


class ReconcileDue(msgspec.Struct, frozen=True, gc=False, tag="reconcile_due"):
    """Durable timer, once a day."""


class ExamineDue(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="examine_due"):
    """Durable timer: the next slice of lines that are not settled is looked at, those after `after`."""

    after: str = ""


class TellPayments(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="tell_payments"):
    """Durable timer: the next slice of payments hears that the account is gone, those after `after`."""

    account: str
    after: str = ""
    platform: str = INSTALLATION


class PlatformTrouble(msgspec.Struct, frozen=True):
    """To the brand, from the payments gateway: a platform account of its own cannot be used (`trouble`: no_key, key_refused or
    other_account), or can be again (None). `setting`: what to set; `payments`: so many are open on it and wait. Reply: Done."""

    platform: str
    trouble: str | None
    setting: str
    payments: int


class OwnerCredited(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="owner_credited"):
    """Letter: the brand's book credited 2200/ID (owner) or 2210/ID (partner) by `amount_minor` for `ref`: transfer it."""

    ref: str
    amount_minor: int
    currency: str
    at: datetime
    role: Literal["owner", "partner"] = "owner"


class OwnerDebited(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="owner_debited"):
    """Letter: a refund of wallet session `session` took `amount_minor` back from 2200/ID: reverse that much of its transfer.
    `vat_minor` and `commission_minor` as the refund's journal has them."""

    ref: str
    session: str
    amount_minor: int
    currency: str
    at: datetime
    role: Literal["owner", "partner"] = "owner"
