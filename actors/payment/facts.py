"""What is remembered of a payment attempt. Every type has a golden file in tests/actors/golden.

Facts that move the phase carry the event's name as their tag (`phases.TABLE`); the others tell what is known besides.
"""

from datetime import datetime

import msgspec

from actors.merchant.messages import PartnerShare, Seller
from actors.model.money import Cost
from actors.model.platforms import INSTALLATION
from actors.model.psp import AnyCall, CardProof, DisputeSeen, IntentSeen, RefundSeen
from actors.model.rating import KindNet
from actors.model.rows import VaultRow
from actors.model.token import IdToken
from actors.payment.messages import Quote, SessionEnded, TopUp


class Deal(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The merchant's terms as they were when the attempt was opened: they hold for the capture and for every refund of it.
    `account` None: the brand's own, which is `platform`: the platform account by which all of it is done, to its end, also when
    the brand has another one by then. `country`: the merchant's, whose VAT a commission bears."""

    merchant: str
    account: str | None = None
    country: str = ""
    commission_percent: str = "0"
    commission_vat_percent: str = "19"
    sells: str = "owner"
    partners: tuple[PartnerShare, ...] = ()
    min_minor: int | None = None
    seller: Seller | None = None
    """As the pay page named it: whom the receipt names, too."""
    platform: str = INSTALLATION


class Opened(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="opened"):
    order: Quote | TopUp
    deal: Deal
    title: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    at: datetime


class Asked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="asked"):
    """A call to the provider, as it goes out and goes out again. `name` is unique in the attempt."""

    name: str
    call: AnyCall
    at: datetime


class Answered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="answered"):
    """`refused`: the provider's word, where it said no."""

    name: str
    at: datetime
    refused: str = ""


class Unsure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="unsure"):
    """Nobody can tell whether the call was done. `tries`: how often it has gone out."""

    name: str
    tries: int
    detail: str
    at: datetime


class CheckoutOpened(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="checkout_opened"):
    checkout: str
    url: str | None
    expires_at: datetime | None
    at: datetime


class CheckoutOver(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="checkout_over"):
    """Nobody can pay on it any more: it is `complete` or `expired`."""

    status: str
    at: datetime


class Authorised(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="authorised"):
    """A hold is there: `held_minor` may be captured before `capture_before`. `card`: a pseudonym of the card."""

    intent: str
    held_minor: int
    at: datetime
    charge: str | None = None
    capture_before: datetime | None = None
    customer: str | None = None
    payment_method: str | None = None
    card: str | None = None


class Proven(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="proven"):
    """The gate let it pass. `proof` None: a charge under a mandate."""

    proof: CardProof | None
    rule: str
    detail: str
    at: datetime


class ProofRefused(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="proof_refused"):
    proof: CardProof | None
    rule: str
    detail: str
    at: datetime


class EvseAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="evse_asked"):
    """The EVSE is claimed for a one-time token. `sealed`: its text, which nobody knows before the station is ordered to start."""

    token: IdToken
    sealed: VaultRow
    until: datetime
    at: datetime


class EvseHeld(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="evse_held"):
    at: datetime


class Ordered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ordered"):
    """The token is good, and the station was ordered to start, until `deadline`."""

    order: str
    deadline: datetime
    at: datetime


class Began(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="began"):
    session: str
    transaction_id: str
    at: datetime


class StartFailed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="start_failed"):
    reason: str
    at: datetime


class Strayed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="strayed"):
    """A session began with the attempt's token that this attempt does not pay: it is stopped, and nobody is charged for it."""

    session: str
    transaction_id: str
    at: datetime


class StopOrdered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="stop_ordered"):
    order: str
    who: str
    at: datetime


class SessionTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="session_told"):
    """What the session said of its end, the newest word."""

    ended: SessionEnded
    at: datetime


class Guarded(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="guarded"):
    """The hold ends soon: the session was asked what it has cost so far."""

    at: datetime


class Rated(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="rated"):
    """What is to be paid. `energy_wh` of a session; a top-up has no kinds of revenue."""

    cost: Cost
    kinds: tuple[KindNet, ...]
    at: datetime
    energy_wh: int = 0
    fingerprint: str = ""


class Capturing(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="capturing"):
    """`n` counts the calls up, each with a key of its own; one that is asked again has the number and the key it had."""

    n: int
    amount_minor: int
    fee_minor: int
    at: datetime


class CaptureUncertain(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="uncertain"):
    detail: str
    at: datetime


class CaptureFailed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="failed"):
    code: str
    detail: str
    at: datetime


class TakenPast(msgspec.Struct, frozen=True, omit_defaults=True, tag="taken_past"):
    """Somebody captured the hold in the provider's dashboard while the session runs: it is stopped, and what it cost decides how
    much of the money goes back."""

    seen: IntentSeen
    at: datetime


class Captured(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="captured"):
    """The money is taken, and in the books. `fee_minor`: the application fee as the provider took it. `excess_minor`: what was
    taken beyond `amount_minor`, past us; it is the driver's."""

    amount_minor: int
    fee_minor: int
    charge: str | None
    journals: tuple[str, ...]
    at: datetime
    excess_minor: int = 0


class Settled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="settled"):
    """The provider's own fee is known and in the books; None: it never told."""

    psp_fee_minor: int | None
    journals: tuple[str, ...]
    at: datetime
    line: str | None = None


class Expired(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="expired"):
    reason: str
    at: datetime


class Releasing(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="releasing"):
    reason: str
    at: datetime


class Released(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="released"):
    """Nothing is held any more. `reason` None: the one why it was let go."""

    at: datetime
    reason: str | None = None


class Lost(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="lost"):
    reason: str
    at: datetime


class Early(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="early"):
    """A refund or a dispute was seen before the capture was: it waits for it."""

    seen: RefundSeen | DisputeSeen
    at: datetime


class RefundAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="refund_asked"):
    """`n`: its number in the attempt, by which the provider's call is named; `id`: the caller's. `excess_minor` of it is not of
    the sale, but of what was taken too much."""

    n: int
    id: str
    who: str
    reason: str
    amount_minor: int
    return_fee: bool
    at: datetime
    excess_minor: int = 0


class RefundFound(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="refund_found"):
    """Somebody refunded it in the provider's dashboard. `excess_minor` as in RefundAsked."""

    n: int
    refund: str
    amount_minor: int
    at: datetime
    excess_minor: int = 0


class RefundMoved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="refund_moved"):
    """`status`: of phases.REFUNDS. `fee_returned_minor`: of the application fee, all that came back with this refund.
    `excess_minor`: as in RefundAsked, where it is less than was thought then, since another refund has given it back; None: as
    it was."""

    n: int
    status: str
    at: datetime
    refund: str | None = None
    fee_returned_minor: int = 0
    detail: str = ""
    journals: tuple[str, ...] = ()
    excess_minor: int | None = None


class DisputeMoved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="dispute_moved"):
    """`status`: of phases.DISPUTES. `withdrawn_minor`: what the books say was withdrawn, without the provider's fee;
    of one that is lost, `twice_minor` had gone back to the card before, as a refund, and `excess_minor` was taken too much."""

    dispute: str
    status: str
    amount_minor: int
    at: datetime
    reason: str | None = None
    evidence_by: datetime | None = None
    withdrawn_minor: int = 0
    journals: tuple[str, ...] = ()
    twice_minor: int = 0
    excess_minor: int = 0


PaymentFact = (
    Opened | Asked | Answered | Unsure | CheckoutOpened | CheckoutOver | Authorised | Proven | ProofRefused | EvseAsked | EvseHeld
    | Ordered | Began | StartFailed | Strayed | StopOrdered | SessionTold | Guarded | Rated | TakenPast | Capturing
    | CaptureUncertain | CaptureFailed | Captured | Settled | Expired | Releasing | Released | Lost | Early | RefundAsked
    | RefundFound | RefundMoved | DisputeMoved
)  # fmt: skip
