"""What is given back of a wallet's sessions, promo credit, and the end of a wallet. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from actors.merchant.messages import OwnerDebited
from actors.model.decision import Refused
from actors.model.ids import merchant_address, payment_address
from actors.model.posting import partner_returned, partner_share, refund_due, refund_wallet, wallet_closed
from actors.model.rows import JournalRow
from actors.payment.messages import RefundPayment
from actors.wallet import facts as f
from actors.wallet import messages as m
from actors.wallet.state import Sold, content, sold
from actors.wallet.topups import collect
from actors.wallet.turn import Turn


def give_promo(turn: Turn, given: m.GivePromo) -> Refused | None:
    state = turn.state
    sponsor = given.sponsor if given.funded_by == "sponsor" else None
    known = state.ids.get(f"promo:{given.id}")
    if known is not None:
        return _same(known, content(given.amount_minor, given.funded_by, sponsor, given.expires))
    if state.phase not in ("open", "blocked"):
        return _not_open(turn)
    if given.amount_minor <= 0:
        return Refused("invalid", "must be above zero", "amount_minor")
    if given.funded_by == "sponsor" and not given.sponsor:
        return Refused("invalid", "name the sponsor who funds it", "sponsor")
    if given.expires is not None and given.expires <= turn.now:
        return Refused("invalid", "lies in the past", "expires")
    if len(state.promos) >= turn.limits.wallet_promos:
        return Refused("too_many", f"{len(state.promos)} promo credits are not used up")
    turn.add(
        f.PromoGiven(
            given.id, given.who, given.amount_minor, given.funded_by, turn.now,
            sponsor, given.expires,
        )
    )  # fmt: skip
    turn.line("promo", given.amount_minor, given.id, funded_by=given.funded_by, expires=given.expires)
    return None


def credit(turn: Turn, asked: m.CreditWallet) -> Refused | None:
    """First off what is owed of the session, then what the wallet paid, last what promo credit paid."""
    state = turn.state
    before = state.ids.get(f"credit:{asked.id}")
    if before is not None:
        return _same(before, content(asked.session, asked.amount_minor))
    if state.phase not in ("open", "blocked"):
        return _not_open(turn)
    known = sold(state, asked.session)
    if known is None:
        return Refused("unknown_session", "the wallet did not pay this session, or too long ago", "session")
    left = known.sale.price_minor - known.refunded_minor
    if not 0 < asked.amount_minor <= left:
        return Refused("too_much", f"{left} of this session can be given back", "amount_minor")
    owed = next((one.minor for one in state.owed if one.session == asked.session), 0)
    off = min(asked.amount_minor, owed)
    to_wallet = min(asked.amount_minor - off, known.paid_minor - known.to_wallet_minor)
    other = asked.amount_minor - off - to_wallet
    refund = f"{turn.wallet}/{asked.id}"
    journals = refund_wallet(
        known.sale, refund=refund, refunded_before_minor=known.refunded_minor, at=turn.now, to_wallet_minor=to_wallet,
        off_owed_minor=off, to_other_minor=other,
    )  # fmt: skip
    shares = _partners(turn, known, refund, asked.amount_minor)
    turn.add(f.Credited(asked.id, asked.session, to_wallet, turn.now, asked.who, asked.reason, off, other))
    turn.post(*journals, *shares)
    turn.line(
        "refund", to_wallet, asked.session, journals[0] if journals else None, id=asked.id, reason=asked.reason,
        refunded_minor=asked.amount_minor, off_owed_minor=off,
    )  # fmt: skip
    due = refund_due(known.sale, known.refunded_minor, asked.amount_minor)
    if due and known.sale.merchant is not None:
        debited = OwnerDebited(refund, asked.session, due, state.currency, turn.now)
        turn.tell(merchant_address(turn.tenant, known.sale.merchant.id), debited)
    collect(turn)
    return None


def _partners(turn: Turn, known: Sold, refund: str, amount: int) -> Sequence[JournalRow]:
    """Partners give back their part of the share, too."""
    sale, journals = known.sale, []
    for partner in sale.merchant.partners if sale.merchant is not None else ():
        share = partner_share(sale.cost.excl.amount_minor, partner.percent)
        journal = partner_returned(
            tenant=turn.tenant, refund=refund, session=sale.session, partner=partner.partner, share_minor=share,
            gross_minor=sale.price_minor, refunded_before_minor=known.refunded_minor, amount_minor=amount,
            currency=turn.state.currency, at=turn.now,
        )  # fmt: skip
        if journal is not None:
            journals.append(journal)
            back = sum(entry.amount_minor for entry in journal.entries if entry.side == "debit")
            debited = OwnerDebited(refund, sale.session, back, turn.state.currency, turn.now, "partner")
            turn.tell(merchant_address(turn.tenant, partner.partner), debited)
    return journals


def close(turn: Turn, asked: m.CloseWallet) -> Refused | None:
    """What is left goes back to the cards that it came from; what these do not cover is paid out by other means, and then told
    here (`paid_out`)."""
    state = turn.state
    if state.phase == "closed":
        return None
    if not state.phase:
        return _not_open(turn)
    if state.holds or state.owed or state.asked:
        return Refused("in_use", "a session or a top-up is under way, or money is owed")
    if state.phase == "closing" and state.balance_minor and not asked.paid_out:
        return None
    if state.balance_minor and asked.paid_out:
        on_its_way = _on_its_way_until(turn)
        if on_its_way is not None:
            return Refused("refund_pending", f"money is on its way back to the cards: pay out what is left after {on_its_way}")
        amount = state.balance_minor
        journal = wallet_closed(
            tenant=turn.tenant, wallet=turn.wallet, key=turn.wallet, amount_minor=amount, currency=state.currency, at=turn.now,
            source="1010",
        )  # fmt: skip
        turn.add(f.Closed(asked.who, amount, turn.now, asked.paid_out))
        turn.post(journal)
        turn.line("payout", -amount, asked.paid_out, journal)
    elif not state.balance_minor:
        turn.add(f.Closed(asked.who, 0, turn.now))
    else:
        turn.add(f.Closing(asked.who, asked.reason, turn.now))
        _back_to_cards(turn, asked)
    turn.event(turn.state.phase)
    return None


def _on_its_way_until(turn: Turn) -> str | None:
    """The day until which a refund to a card may still come through: paid out as well, the driver would have it twice."""
    state = turn.state
    if state.closing_at is None or not any(topup.left_minor for topup in state.topups):
        return None
    until = state.closing_at + timedelta(days=turn.limits.wallet_refund_days)
    return until.date().isoformat() if turn.now < until else None


def _back_to_cards(turn: Turn, asked: m.CloseWallet) -> None:
    """The latest top-ups first: their cards are the likeliest to be still good."""
    left = turn.state.balance_minor
    for topup in reversed(turn.state.topups):
        amount = min(left, topup.left_minor)
        if not amount:
            return
        refund = RefundPayment(f"close:{turn.wallet}", asked.who, asked.reason, amount)
        turn.tell(payment_address(turn.tenant, topup.attempt), refund)
        left -= amount


def _same(known: str, asked: str) -> Refused | None:
    return None if known == asked else Refused("differs", "something else was given under this id: use another one", "id")


def _not_open(turn: Turn) -> Refused:
    phase = turn.state.phase
    return Refused("not_open", f"the wallet is {phase}") if phase else Refused("unknown", "there is no such wallet")
