"""What a driver's wallet is told. It is money at a brand for charging only; the ledger account 2100/ID is the balance.

station    AskHold (before an Authorize, RemoteStart or start is answered) -> HoldGranted, Refused(code="no_credit")
session    SessionBegan -> HoldTold where it began without a hold; SessionEnded (actors/payment/messages.py), WalletCharged
payment    ToppedUp, TopUpFailed, TopUpReturned
gateway    OpenWallet, ChangeWallet, GivePromo, CreditWallet, CloseWallet, Look
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.platforms import INSTALLATION
from actors.model.posting import WalletSale


class AskHold(msgspec.Struct, frozen=True, gc=False):
    """Reserve for a session of `token_ref` at `station`. The same pair again, before a session began, answers the same hold.
    `want_minor`: the most that it may cost, None: what is there, up to the wallet's own limit per session. `least_minor`: with
    less it cannot begin. `session`: the one that begins now; then the hold is its own."""

    token_ref: str
    station: str
    want_minor: int | None = None
    least_minor: int = 1
    session: str = ""


class HoldGranted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`amount_minor` of the wallet's money is held, `promo_minor` of promo credit is set aside besides; who funds it is as in
    GivePromo."""

    hold: str
    amount_minor: int
    currency: str
    promo_minor: int = 0
    funded_by: Literal["brand", "sponsor"] = "brand"
    sponsor: str | None = None


class HoldTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="hold_told"):
    """Letter to a session that began without a hold (its station was offline, the wallet could not be asked): here is one, or
    (`granted` None) there is nothing to pay with, for `reason`: then it is stopped."""

    granted: HoldGranted | None
    reason: str = ""


class WalletCharged(msgspec.Struct, frozen=True, omit_defaults=True, tag="wallet_charged"):
    """Letter from the session, of the turn that posted it: `taken_minor` came from the wallet under `hold` (which is finished by
    that), `promo_minor` of the price was promo credit, `owed_minor` went to the customer's receivable: the wallet pays it when
    it can. `sale`: what was booked, for a refund."""

    session: str
    hold: str | None
    taken_minor: int
    owed_minor: int
    currency: str
    at: datetime
    promo_minor: int = 0
    token_ref: str = ""
    sale: WalletSale | None = None


class ToppedUp(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="topped_up"):
    """Letter from the payment, of the turn that booked it. `customer`, `payment_method`: of a saved card that
    `platform` knows."""

    attempt: str
    amount_minor: int
    currency: str
    at: datetime
    customer: str | None = None
    payment_method: str | None = None
    platform: str = INSTALLATION


class TopUpFailed(msgspec.Struct, frozen=True, gc=False, tag="top_up_failed"):
    """Letter from the payment: nothing came. `reason`: authentication_required, card_declined, expired ..."""

    attempt: str
    reason: str
    at: datetime


class TopUpReturned(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="top_up_returned"):
    """Letter from the payment: so much of a top-up went back to the card, or is lost in a dispute (`disputed`). The wallet books
    it (posting.topup_returned), since only it knows how much of it is still there. `refund`: our id of the refund or dispute."""

    attempt: str
    amount_minor: int
    currency: str
    at: datetime
    refund: str = ""
    disputed: bool = False


class HoldOver(msgspec.Struct, frozen=True, gc=False, tag="hold_over"):
    """Timer: nothing began with this hold."""

    hold: str


class OpenWallet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reply: WalletRow, or Refused(code="exists"). `owner`: a pseudonym of ours, never a name."""

    who: str
    owner: str = ""
    session_limit_minor: int | None = None


class AutoTopUp(msgspec.Struct, frozen=True, gc=False):
    """When less than `below_minor` is available, `amount_minor` is charged to the saved card, at most `per_day` times a day.
    `mandate`: version of the text that was agreed to, `agreed_at`: when. An explicit opt-in."""

    below_minor: int
    amount_minor: int
    mandate: str
    agreed_at: datetime
    per_day: int = 2


class ChangeWallet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reply: WalletRow. `auto` None: no auto top-up."""

    who: str
    session_limit_minor: int | None = None
    auto: AutoTopUp | None = None
    blocked: bool = False


class GivePromo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Credit that is not the driver's money. `funded_by`: brand (a discount: it lowers the tax base) or sponsor (who owes it,
    the price stays). Reply: WalletRow or Refused."""

    id: str
    who: str
    amount_minor: int
    funded_by: Literal["brand", "sponsor"]
    sponsor: str | None = None
    expires: datetime | None = None


class CreditWallet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Refund of (part of) a wallet session into the wallet. Reply: WalletRow, or Refused (unknown_session, too_much)."""

    id: str
    who: str
    session: str
    amount_minor: int
    reason: str


class CloseWallet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Close. What is left goes back to the cards that it came from, as far as the wallet remembers them (then the wallet is
    `closing` until all has gone); `paid_out`: what is left after that was paid out by other means, and this is its reference.
    Reply: WalletRow, or Refused(code="in_use") while a session runs or money is owed."""

    who: str
    reason: str
    paid_out: str = ""


class Look(msgspec.Struct, frozen=True):
    """Reply: WalletRow as of now, None where there is no such wallet."""
