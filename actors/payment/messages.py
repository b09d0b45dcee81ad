"""What a payment attempt is told, and what it tells others. One attempt is one card that pays one session, or tops a wallet up.

gateway    OpenAttempt, LookAgain, CancelAttempt, StopCharging, RefundPayment, Look
provider   PspAnswer, PspObserved (actors/model/psp.py)
EVSE       ClaimEvse, ReleaseEvse -> EvseClaimed, EvseRefused
session    SessionBegan, SessionEnded; TellCost -> CostTold
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.bill import Bill
from actors.model.money import Cost
from actors.model.platforms import INSTALLATION
from actors.model.rating import KindNet


class Quote(msgspec.Struct, frozen=True, omit_defaults=True, tag="quote"):
    """What the driver was shown and agreed to. `hold_minor` is held, `limit_minor` is the cost at which charging stops,
    `fee_minor` the application fee of a full hold. `fingerprint`: of the tariff version, which rates the session too. `shown`:
    hash of the price text, `terms`: version of the texts that the order button stood under, `clicked_at`: when."""

    station: str
    evse: int
    code: str
    merchant: str
    tariff: str
    fingerprint: str
    currency: str
    hold_minor: int
    limit_minor: int
    fee_minor: int
    shown: str
    terms: str
    clicked_at: datetime
    language: str = "en"
    country: str = ""
    """Whose VAT it is: ISO 3166 alpha-2."""


class TopUp(msgspec.Struct, frozen=True, omit_defaults=True, tag="top_up"):
    """Money for a wallet, paid to the brand. `automatic`: on the saved card, under the mandate. `platform`: the platform account
    with which `customer` and card are known; another one knows nothing of them."""

    wallet: str
    amount_minor: int
    currency: str
    save_card: bool = False
    automatic: bool = False
    customer: str | None = None
    payment_method: str | None = None
    mandate: str | None = None
    language: str = "en"
    platform: str = INSTALLATION


class OpenAttempt(msgspec.Struct, frozen=True, omit_defaults=True, tag="open_attempt"):
    """Asked by a gateway, or a letter of a wallet that tops itself up. Reply: AttemptOpened when the provider's page is there,
    or Refused (psp_away, psp_refused, not_open, differs, over ...). The same again answers the same. `return_url` and
    `cancel_url` are pages of ours."""

    order: Quote | TopUp
    return_url: str
    cancel_url: str
    title: str


class AttemptOpened(msgspec.Struct, frozen=True):
    attempt: str
    url: str | None


class LookAgain(msgspec.Struct, frozen=True):
    """The driver is back on our page, or time has passed: fetch what the provider has now. Reply: PaymentRow as of now."""


class Look(msgspec.Struct, frozen=True):
    """Reply: PaymentRow as of now, None for an attempt that nobody opened."""


class CancelAttempt(msgspec.Struct, frozen=True):
    """The driver does not want to any more, before anything began. Reply: Done, or Refused(code="too_late")."""

    who: str = "driver"


class StopCharging(msgspec.Struct, frozen=True):
    """The stop button. Reply: Done (the order to the station is committed) or Refused(code="not_charging")."""

    who: str = "driver"


class RefundPayment(msgspec.Struct, frozen=True, omit_defaults=True, tag="refund_payment"):
    """`id` is the caller's idempotency key; `amount_minor` None: all that is left. Reply: RefundTaken, or Refused
    (not_captured, too_much, differs)."""

    id: str
    who: str
    reason: str
    amount_minor: int | None = None
    return_fee: bool = True


def refund_key(attempt: str, n: int) -> str:
    """Of the n-th refund of a payment: its journals are made from it, and found again by it."""
    return f"{attempt}:refund:{n}"


class RefundTaken(msgspec.Struct, frozen=True):
    """Committed; the provider is asked, and what it says comes into the row."""

    refund: str
    amount_minor: int


# -- letters and timers ------------------------------------------------------------------------------------------


class ClaimEvse(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="claim_evse"):
    """Letter to the EVSE: a hold was authorised, keep the place for `token_ref` until `until`. The first one gets it; the others
    hear EvseRefused at once. Answer: letter EvseClaimed or EvseRefused to `attempt`'s address. `card`: a pseudonym of the card
    that holds the money, empty where the provider did not tell."""

    attempt: str
    token_ref: str
    until: datetime
    card: str = ""


class ReleaseEvse(msgspec.Struct, frozen=True, gc=False, tag="release_evse"):
    """Letter to the EVSE: the attempt does not need it any more. A session that began with its token ends a claim, too."""

    attempt: str


class EvseClaimed(msgspec.Struct, frozen=True, gc=False, tag="evse_claimed"):
    at: datetime


class EvseRefused(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="evse_refused"):
    """`reason`: occupied, claimed, reserved, faulted, unavailable, unknown, too_often (the card)."""

    reason: str
    at: datetime


class AccountLost(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="account_lost"):
    """Letter from the merchant: the account on which this attempt holds money is connected to `platform` no more, so nothing on
    it can be captured or released by us."""

    account: str
    at: datetime
    platform: str = INSTALLATION


class SessionBegan(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="session_began"):
    """Letter from a session whose verdict's payment is `attempt:ID` or `wallet:ID`, also from one whose token is not good any
    more (then nobody may be charged for it: it is stopped and waived). `hold`: what a wallet reserved for it."""

    session: str
    station: str
    evse: int
    transaction_id: str
    accepted: bool
    at: datetime
    token_ref: str = ""
    hold: str | None = None


class SessionEnded(msgspec.Struct, frozen=True, omit_defaults=True, tag="session_ended"):
    """Letter from such a session: what became of it. `outcome`: rated (`cost`, `kinds` and `cdr` say how), waived (nobody
    pays), or for an operator: quarantined, unpriced; then another one follows when it is resolved. `n` counts them up from 1."""

    session: str
    outcome: Literal["rated", "waived", "quarantined", "unpriced"]
    n: int
    energy_wh: int
    at: datetime
    cost: Cost | None = None
    kinds: tuple[KindNet, ...] = ()
    cdr: str | None = None
    fingerprint: str = ""
    reason: str = ""
    hold: str | None = None
    """A wallet's hold that the session let go with this."""
    bill: Bill | None = None
    """Of a rated session: what its receipt says line by line."""


class TellCost(msgspec.Struct, frozen=True, gc=False, tag="tell_cost"):
    """Letter to the session: the hold ends soon, so what does it cost by what is durable now? Answer: letter CostTold to the
    attempt's address, from every phase; the session goes on."""

    attempt: str


class CostTold(msgspec.Struct, frozen=True, omit_defaults=True, tag="cost_told"):
    """Letter from the session. `cost` (with `kinds`, as in SessionEnded) of the energy that meter values vouch for until now;
    None where nothing can be charged: not accepted, waived, quarantined, unpriced, no reading."""

    session: str
    energy_wh: int
    at: datetime
    cost: Cost | None = None
    kinds: tuple[KindNet, ...] = ()
    fingerprint: str = ""


class LookDue(msgspec.Struct, frozen=True, gc=False, tag="look_due"):
    """Durable timer: no webhook came, so look for ourselves, for the `tries`-th time since the phase began."""

    tries: int = 0


class StartDue(msgspec.Struct, frozen=True, gc=False, tag="start_due"):
    """Durable timer: by now the EVSE should have answered, or the session have begun."""


class GuardDue(msgspec.Struct, frozen=True, gc=False, tag="guard_due"):
    """Durable timer: the hold ends soon."""


class AgainDue(msgspec.Struct, frozen=True, gc=False, tag="again_due"):
    """Durable timer: a call whose outcome is unsure goes out again."""

    name: str


class RetryDue(msgspec.Struct, frozen=True, gc=False, tag="retry_due"):
    """Durable timer: a capture or a release that was refused is tried again, for the `tries`-th time."""

    tries: int


class ExcessDue(msgspec.Struct, frozen=True, gc=False, tag="excess_due"):
    """Durable timer: what was taken too much did not go back; it is tried again."""


class WatchDue(msgspec.Struct, frozen=True, gc=False, tag="watch_due"):
    """Durable timer: look at pending refunds and open disputes."""
