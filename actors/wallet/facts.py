"""What is remembered of a wallet. Every type has a golden file in tests/actors/golden."""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.platforms import INSTALLATION
from actors.model.posting import WalletSale
from actors.wallet.messages import AutoTopUp


class Opened(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="opened"):
    currency: str
    who: str
    at: datetime
    owner: str = ""
    session_limit_minor: int | None = None


class Changed(msgspec.Struct, frozen=True, omit_defaults=True, tag="changed"):
    who: str
    at: datetime
    session_limit_minor: int | None = None
    auto: AutoTopUp | None = None
    blocked: bool = False


class HoldMade(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="hold_made"):
    """`amount_minor` of the wallet's money, and `promo_minor` of the credit `promo`, are kept for a session of `token_ref`."""

    id: str
    token_ref: str
    station: str
    amount_minor: int
    expires: datetime
    at: datetime
    promo_minor: int = 0
    promo: str = ""
    session: str = ""


class HoldBound(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="hold_bound"):
    """It is this session's. `began`: the session said so itself, and ends the hold."""

    id: str
    session: str
    at: datetime
    began: bool = False


class HoldEnded(msgspec.Struct, frozen=True, gc=False, tag="hold_ended"):
    """`how`: expired or void (nothing was taken)."""

    id: str
    how: str
    at: datetime


class Charged(msgspec.Struct, frozen=True, omit_defaults=True, tag="charged"):
    """A session was booked (actors/wallet/messages.WalletCharged)."""

    session: str
    hold: str | None
    taken_minor: int
    owed_minor: int
    at: datetime
    promo_minor: int = 0
    token_ref: str = ""
    sale: WalletSale | None = None


class Collected(msgspec.Struct, frozen=True, gc=False, tag="collected"):
    """So much of what `session` owed was taken from the wallet; `key` tells the collections of a session apart."""

    session: str
    token_ref: str
    amount_minor: int
    key: str
    at: datetime


class ToppedUp(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="topped_up"):
    attempt: str
    amount_minor: int
    at: datetime
    customer: str | None = None
    payment_method: str | None = None
    platform: str = INSTALLATION


class TopUpAsked(msgspec.Struct, frozen=True, gc=False, tag="top_up_asked"):
    """The saved card is charged under the mandate."""

    attempt: str
    amount_minor: int
    at: datetime


class TopUpFailed(msgspec.Struct, frozen=True, gc=False, tag="top_up_failed"):
    attempt: str
    reason: str
    at: datetime


class Returned(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="returned"):
    """A top-up went back: `taken_minor` were there, `owed_minor` are owed now."""

    attempt: str
    refund: str
    taken_minor: int
    owed_minor: int
    at: datetime
    disputed: bool = False


class PromoGiven(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="promo_given"):
    id: str
    who: str
    amount_minor: int
    funded_by: Literal["brand", "sponsor"]
    at: datetime
    sponsor: str | None = None
    expires: datetime | None = None


class Credited(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="credited"):
    """Part of a session's price was given back: into the wallet, off what is owed of it, to who funded its promo credit."""

    id: str
    session: str
    to_wallet_minor: int
    at: datetime
    who: str
    reason: str
    off_owed_minor: int = 0
    to_other_minor: int = 0


class Closing(msgspec.Struct, frozen=True, gc=False, tag="closing"):
    who: str
    reason: str
    at: datetime


class Closed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="closed"):
    """`paid_minor` were paid out by other means, under `reference`."""

    who: str
    paid_minor: int
    at: datetime
    reference: str = ""


WalletFact = (
    Opened | Changed | HoldMade | HoldBound | HoldEnded | Charged | Collected | ToppedUp | TopUpAsked | TopUpFailed | Returned
    | PromoGiven | Credited | Closing | Closed
)  # fmt: skip
