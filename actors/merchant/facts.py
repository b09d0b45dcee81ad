"""What is remembered of a merchant. Of an OAuth flow only the hash of its `state`. Every type has a golden file."""

from datetime import datetime

import msgspec

from actors.merchant.messages import PartnerShare, Seller
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
    """What the provider says of the account. `number`: of the flow that brought it, 0: it was told by itself."""

    seen: AccountSeen
    at: datetime
    number: int = 0


class Draining(msgspec.Struct, frozen=True, gc=False, tag="draining"):
    """It is to be disconnected: no payment begins on its account any more."""

    who: str
    reason: str
    at: datetime


class DisconnectBegun(msgspec.Struct, frozen=True, gc=False, tag="disconnect_begun"):
    number: int
    at: datetime


MerchantFact = Put | OnboardingBegun | CodeTaken | OnboardingFailed | AccountTold | Draining | DisconnectBegun
