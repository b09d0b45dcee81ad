"""A wallet's state: the driver's money as far as it has heard, what of it is held, and what is owed.

The books are the truth (account 2100/ID, which has a floor). What others book is told here by letter, so what the wallet
believes to have is never more than what is there.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.platforms import INSTALLATION
from actors.model.posting import WalletSale
from actors.wallet import facts as f
from actors.wallet.messages import AutoTopUp

LIMITS = DomainLimits()
DAY = timedelta(days=1)


class Hold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`session`: whose it is; `began`: that session has said so, and will end it."""

    id: str
    token_ref: str
    station: str
    amount_minor: int
    expires: datetime
    promo_minor: int = 0
    promo: str = ""
    session: str = ""
    began: bool = False


class Promo(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    id: str
    left_minor: int
    funded_by: Literal["brand", "sponsor"]
    sponsor: str | None = None
    expires: datetime | None = None


class Owed(msgspec.Struct, frozen=True, gc=False):
    """Of a session; of a top-up that went back, `session` is its attempt and `token_ref` the wallet."""

    session: str
    token_ref: str
    minor: int


class Sold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session that can be refunded: what was booked, what the wallet paid of it, and what was given back."""

    sale: WalletSale
    paid_minor: int
    to_wallet_minor: int = 0
    off_owed_minor: int = 0
    to_other_minor: int = 0

    @property
    def refunded_minor(self) -> int:
        return self.to_wallet_minor + self.off_owed_minor + self.to_other_minor


class TopUp(msgspec.Struct, frozen=True, gc=False):
    attempt: str
    left_minor: int


class WalletState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`lines` counts the statement's lines, `made` the holds, `asked` are automatic top-ups under way; `tried`: when the card was
    charged lately; `paused`: why it is not charged any more, until somebody has looked."""

    phase: str = ""
    """Empty: nobody opened it. open, blocked, closing or closed."""
    currency: str = ""
    owner: str = ""
    created_at: datetime | None = None
    balance_minor: int = 0
    session_limit_minor: int | None = None
    holds: tuple[Hold, ...] = ()
    promos: tuple[Promo, ...] = ()
    owed: tuple[Owed, ...] = ()
    sales: tuple[Sold, ...] = ()
    topups: tuple[TopUp, ...] = ()
    ids: dict[str, str] = {}
    """Of promo credits, credits and refunds, lately: `kind:id` -> what it was, so that the same again is known, and another one
    under its id."""
    over: tuple[str, ...] = ()
    """Sessions that ended lately: a hold asked for one of them is for nothing."""
    auto: AutoTopUp | None = None
    customer: str | None = None
    payment_method: str | None = None
    platform: str = INSTALLATION
    """With which the saved card is known."""
    asked: tuple[str, ...] = ()
    tried: tuple[datetime, ...] = ()
    paused: str = ""
    closing_at: datetime | None = None
    lines: int = 0
    made: int = 0
    collections: int = 0

    @property
    def held_minor(self) -> int:
        return sum(hold.amount_minor for hold in self.holds)

    @property
    def available_minor(self) -> int:
        return self.balance_minor - self.held_minor

    @property
    def owed_minor(self) -> int:
        return sum(owed.minor for owed in self.owed)

    @property
    def promo_minor(self) -> int:
        return sum(promo.left_minor for promo in self.promos)


def hold_of(state: WalletState, id: str | None) -> Hold | None:
    return next((hold for hold in state.holds if hold.id == id), None)


def sold(state: WalletState, session: str) -> Sold | None:
    return next((known for known in state.sales if known.sale.session == session), None)


def _opened(state: WalletState, fact: f.Opened) -> WalletState:
    return replace(
        state, phase="open", currency=fact.currency, owner=fact.owner, created_at=fact.at,
        session_limit_minor=fact.session_limit_minor,
    )  # fmt: skip


def _changed(state: WalletState, fact: f.Changed) -> WalletState:
    phase = state.phase if state.phase not in ("open", "blocked") else ("blocked" if fact.blocked else "open")
    return replace(state, phase=phase, session_limit_minor=fact.session_limit_minor, auto=fact.auto, paused="")


def _hold_made(state: WalletState, fact: f.HoldMade) -> WalletState:
    hold = Hold(
        fact.id, fact.token_ref, fact.station, fact.amount_minor, fact.expires, fact.promo_minor, fact.promo, fact.session
    )
    promos = tuple(
        replace(promo, left_minor=promo.left_minor - fact.promo_minor) if promo.id == fact.promo else promo
        for promo in state.promos
    )
    return replace(state, holds=(*state.holds, hold), promos=promos, made=state.made + 1)


def _hold_bound(state: WalletState, fact: f.HoldBound) -> WalletState:
    holds = [
        replace(hold, session=fact.session, began=fact.began or hold.began) if hold.id == fact.id else hold
        for hold in state.holds
    ]
    return replace(state, holds=tuple(holds))


def _without(state: WalletState, id: str | None, used_promo: int = 0) -> WalletState:
    """The hold is over; promo credit that was set aside and not used is there again."""
    hold = hold_of(state, id)
    if hold is None:
        return state
    back = hold.promo_minor - used_promo
    promos = tuple(
        replace(promo, left_minor=promo.left_minor + back) if promo.id == hold.promo else promo for promo in state.promos
    )
    return replace(
        state,
        holds=tuple(known for known in state.holds if known is not hold),
        promos=tuple(promo for promo in promos if promo.left_minor or any(h.promo == promo.id for h in state.holds if h != hold)),
        over=(*state.over, hold.session)[-LIMITS.wallet_holds :] if hold.session else state.over,
    )


def _hold_ended(state: WalletState, fact: f.HoldEnded) -> WalletState:
    return _without(state, fact.id)


def _charged(state: WalletState, fact: f.Charged) -> WalletState:
    state = _without(state, fact.hold, fact.promo_minor)
    sales = state.sales
    if fact.sale is not None:
        sales = (*sales, Sold(fact.sale, fact.taken_minor))[-LIMITS.wallet_sales :]
    owed = state.owed
    if fact.owed_minor:
        owed = (*owed, Owed(fact.session, fact.token_ref, fact.owed_minor))[-LIMITS.wallet_owed :]
    over = state.over if fact.session in state.over else (*state.over, fact.session)[-LIMITS.wallet_holds :]
    balance = state.balance_minor - fact.taken_minor
    return replace(state, balance_minor=balance, owed=owed, sales=sales, over=over, **_lined(state))


def _lined(state: WalletState) -> dict[str, Any]:
    return {"lines": state.lines + 1}


def _collected(state: WalletState, fact: f.Collected) -> WalletState:
    owed = [
        replace(known, minor=known.minor - fact.amount_minor) if known.session == fact.session else known for known in state.owed
    ]
    sales = tuple(
        replace(known, paid_minor=known.paid_minor + fact.amount_minor) if known.sale.session == fact.session else known
        for known in state.sales
    )
    return replace(
        state, balance_minor=state.balance_minor - fact.amount_minor, owed=tuple(known for known in owed if known.minor),
        sales=sales, collections=state.collections + 1, **_lined(state),
    )  # fmt: skip


def _topped_up(state: WalletState, fact: f.ToppedUp) -> WalletState:
    topups = (*state.topups, TopUp(fact.attempt, fact.amount_minor))[-LIMITS.wallet_topups :]
    return replace(
        state,
        balance_minor=state.balance_minor + fact.amount_minor,
        topups=topups,
        asked=tuple(attempt for attempt in state.asked if attempt != fact.attempt),
        customer=fact.customer or state.customer,
        payment_method=fact.payment_method or state.payment_method,
        platform=fact.platform if fact.customer or fact.payment_method else state.platform,
        paused="" if fact.payment_method else state.paused,
        **_lined(state),
    )


def _top_up_asked(state: WalletState, fact: f.TopUpAsked) -> WalletState:
    tried = tuple(at for at in state.tried if fact.at - at < DAY)
    return replace(state, asked=(*state.asked, fact.attempt), tried=(*tried, fact.at))


def _top_up_failed(state: WalletState, fact: f.TopUpFailed) -> WalletState:
    if fact.attempt not in state.asked:
        return state
    return replace(state, asked=tuple(attempt for attempt in state.asked if attempt != fact.attempt), paused=fact.reason)


def _returned(state: WalletState, fact: f.Returned) -> WalletState:
    amount = fact.taken_minor + fact.owed_minor
    topups = [
        replace(known, left_minor=max(0, known.left_minor - amount)) if known.attempt == fact.attempt else known
        for known in state.topups
    ]
    owed = state.owed
    if fact.owed_minor:
        owed = (*owed, Owed(fact.attempt, "", fact.owed_minor))[-LIMITS.wallet_owed :]
    return replace(
        state, balance_minor=state.balance_minor - fact.taken_minor, owed=owed,
        topups=tuple(known for known in topups if known.left_minor), ids=_with(state, "refund", fact.refund), **_lined(state),
    )  # fmt: skip


def content(*parts: Any) -> str:
    """What is compared of something that comes again under its id."""
    return " ".join(str(int(part.timestamp())) if isinstance(part, datetime) else str(part or "") for part in parts)


def _with(state: WalletState, kind: str, id: str, *parts: Any) -> dict[str, str]:
    lately = list(state.ids.items())[-LIMITS.wallet_ids + 1 :]
    return {**dict(lately), f"{kind}:{id}": content(*parts)}


def _promo_given(state: WalletState, fact: f.PromoGiven) -> WalletState:
    promo = Promo(fact.id, fact.amount_minor, fact.funded_by, fact.sponsor, fact.expires)
    ids = _with(state, "promo", fact.id, fact.amount_minor, fact.funded_by, fact.sponsor, fact.expires)
    return replace(state, promos=(*state.promos, promo), ids=ids, **_lined(state))


def _credited(state: WalletState, fact: f.Credited) -> WalletState:
    sales = tuple(
        replace(
            known,
            to_wallet_minor=known.to_wallet_minor + fact.to_wallet_minor,
            off_owed_minor=known.off_owed_minor + fact.off_owed_minor,
            to_other_minor=known.to_other_minor + fact.to_other_minor,
        )
        if known.sale.session == fact.session
        else known
        for known in state.sales
    )
    owed = [
        replace(known, minor=known.minor - fact.off_owed_minor) if known.session == fact.session else known
        for known in state.owed
    ]
    return replace(
        state, balance_minor=state.balance_minor + fact.to_wallet_minor, sales=sales,
        owed=tuple(known for known in owed if known.minor), **_lined(state),
        ids=_with(state, "credit", fact.id, fact.session, fact.to_wallet_minor + fact.off_owed_minor + fact.to_other_minor),
    )  # fmt: skip


def _closing(state: WalletState, fact: f.Closing) -> WalletState:
    return replace(state, phase="closing", closing_at=fact.at, auto=None)


def _closed(state: WalletState, fact: f.Closed) -> WalletState:
    lined = _lined(state) if fact.paid_minor else {}
    return replace(state, phase="closed", balance_minor=state.balance_minor - fact.paid_minor, promos=(), **lined)


_APPLY: dict[type, Callable[[WalletState, Any], WalletState]] = {
    f.Opened: _opened,
    f.Changed: _changed,
    f.HoldMade: _hold_made,
    f.HoldBound: _hold_bound,
    f.HoldEnded: _hold_ended,
    f.Charged: _charged,
    f.Collected: _collected,
    f.ToppedUp: _topped_up,
    f.TopUpAsked: _top_up_asked,
    f.TopUpFailed: _top_up_failed,
    f.Returned: _returned,
    f.PromoGiven: _promo_given,
    f.Credited: _credited,
    f.Closing: _closing,
    f.Closed: _closed,
}


def apply(state: WalletState, fact: Any) -> WalletState:
    return _APPLY[type(fact)](state, fact)
