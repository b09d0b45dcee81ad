"""The life of a payment attempt as tables: in which phase what may happen, and where it leads (MONEY 1.1).

An attempt has one life, and each refund and the dispute of its charge have one of their own, since they may come, in any
number, from the moment money was taken. Events are named after facts (`state.py` says which fact is which event). Whatever is
not in a table cannot be applied, and what cannot be applied is never written: that is how "only forward" is meant, whatever
the provider is seen to have, in whichever order. `diagram()` draws the first table; phases.mmd is compared with it by a test.
"""

from typing import Literal

from actors.model.transitions import Transitions

Phase = Literal[
    "new", "quoted", "checkout_open", "authorised", "proof_ok", "starting", "charging", "rated", "capturing", "captured",
    "settled", "expired", "proof_refused", "start_failed", "releasing", "released", "capture_uncertain", "capture_failed",
    "lost",
]  # fmt: skip
Event = Literal[
    "opened", "checkout_opened", "authorised", "proven", "ordered", "began", "rated", "capturing", "captured", "settled",
    "expired", "proof_refused", "start_failed", "releasing", "released", "uncertain", "failed", "lost",
]  # fmt: skip

TABLE: tuple[tuple[Phase, Event, Phase], ...] = (
    ("new", "opened", "quoted"),
    ("quoted", "checkout_opened", "checkout_open"),
    # A webhook may tell of the hold before the answer comes that brings the page; a saved card has no page.
    ("quoted", "authorised", "authorised"),
    ("checkout_open", "authorised", "authorised"),
    # The gate of MONEY 1.3. Nothing is started but from `proof_ok`.
    ("authorised", "proven", "proof_ok"),
    ("authorised", "proof_refused", "proof_refused"),
    ("proof_ok", "ordered", "starting"),
    ("starting", "began", "charging"),
    ("charging", "rated", "rated"),
    # What a top-up costs is known at once.
    ("proof_ok", "rated", "rated"),
    ("rated", "capturing", "capturing"),
    ("capturing", "captured", "captured"),
    ("captured", "settled", "settled"),
    # Nobody can tell whether the capture was done; it is asked again with the same key.
    ("capturing", "uncertain", "capture_uncertain"),
    ("capture_uncertain", "capturing", "capturing"),
    ("capture_uncertain", "captured", "captured"),
    ("capture_uncertain", "failed", "capture_failed"),
    # The provider said no; it is tried again, under another key, or an operator finds out why.
    ("capturing", "failed", "capture_failed"),
    ("capture_failed", "capturing", "capturing"),
    ("capture_failed", "captured", "captured"),
    # Nothing was ever held.
    ("quoted", "expired", "expired"),
    ("checkout_open", "expired", "expired"),
    ("quoted", "released", "released"),
    # A hold that nobody needs is let go. It is gone when the provider shows it.
    ("quoted", "releasing", "releasing"),
    ("checkout_open", "releasing", "releasing"),
    ("authorised", "releasing", "releasing"),
    ("proof_ok", "releasing", "releasing"),
    ("starting", "start_failed", "start_failed"),
    ("charging", "releasing", "releasing"),
    ("proof_refused", "released", "released"),
    ("start_failed", "released", "released"),
    ("releasing", "released", "released"),
    # It vanished by itself before anything began.
    ("authorised", "released", "released"),
    ("proof_ok", "released", "released"),
    # A driver who paid in the last second, in another window: a hold after the end.
    ("expired", "releasing", "releasing"),
    ("released", "releasing", "releasing"),
    # The hold is gone, or was taken by others, while energy flowed or was to be paid.
    ("charging", "lost", "lost"),
    ("capturing", "lost", "lost"),
    ("capture_uncertain", "lost", "lost"),
    ("capture_failed", "lost", "lost"),
    ("proof_refused", "lost", "lost"),
    ("start_failed", "lost", "lost"),
    ("releasing", "lost", "lost"),
    # Captured in the provider's dashboard while it was to be let go: all of it goes back.
    ("proof_refused", "captured", "captured"),
    ("start_failed", "captured", "captured"),
    ("releasing", "captured", "captured"),
    # Our own capture was on its way when the account was taken from us, and its answer says that it was done.
    ("lost", "captured", "captured"),
)

FINAL: frozenset[Phase] = frozenset({"settled", "expired", "released", "lost"})
"""Phases in which nothing more is owed, to anybody, as far as anybody knows: a late hold is let go, a late capture booked."""
LETTING_GO: frozenset[str] = frozenset({"proof_refused", "start_failed", "releasing"})
CAPTURING: frozenset[str] = frozenset({"capturing", "capture_uncertain", "capture_failed"})
TAKEN: frozenset[str] = frozenset({"captured", "settled"})
"""Phases in which money was taken and is in the books: it may be refunded, and disputed."""


_LIFE: Transitions[Phase, Event] = Transitions("payment", TABLE, FINAL)
allows, after, diagram = _LIFE.allows, _LIFE.after, _LIFE.diagram


# -- refunds and disputes ------------------------------------------------------------------------------------------

RefundStatus = Literal["new", "asked", "pending", "succeeded", "failed", "returned"]
REFUNDS: tuple[tuple[RefundStatus, str, RefundStatus], ...] = (
    ("new", "asked", "asked"),
    # Made elsewhere, in the provider's dashboard: whatever it is found to be.
    ("new", "pending", "pending"),
    ("new", "succeeded", "succeeded"),
    ("new", "failed", "failed"),
    ("asked", "pending", "pending"),
    ("asked", "succeeded", "succeeded"),
    ("asked", "failed", "failed"),
    ("pending", "succeeded", "succeeded"),
    ("pending", "failed", "failed"),
    # Banks send money back days after they took it: the journals are reversed.
    ("succeeded", "failed", "returned"),
)

DisputeStatus = Literal["new", "warned", "open", "won", "lost", "closed"]
DISPUTES: tuple[tuple[DisputeStatus, str, DisputeStatus], ...] = (
    # An inquiry: no money moves.
    ("new", "warned", "warned"),
    ("warned", "closed", "closed"),
    ("new", "closed", "closed"),
    ("warned", "opened", "open"),
    ("new", "opened", "open"),
    ("open", "won", "won"),
    ("open", "lost", "lost"),
)

_REFUND_NEXT: dict[tuple[str, str], RefundStatus] = {(status, event): to for status, event, to in REFUNDS}
_DISPUTE_NEXT: dict[tuple[str, str], DisputeStatus] = {(status, event): to for status, event, to in DISPUTES}


def refund_after(status: str, event: str) -> RefundStatus | None:
    """None: the table has no such line, so nothing changes."""
    return _REFUND_NEXT.get((status, event))


def dispute_after(status: str, event: str) -> DisputeStatus | None:
    return _DISPUTE_NEXT.get((status, event))


AWAITING: tuple[Phase, ...] = (
    "quoted", "checkout_open", "capturing", "capture_uncertain", "releasing", "proof_refused", "start_failed",
)  # fmt: skip
"""Phases in which the next word is the provider's: where none comes, it is asked (storage's index payment_silent names them)."""
PAGE_OPEN: frozenset[str] = frozenset({"quoted", "checkout_open"})
"""Phases before there is a hold: the driver may still be on the provider's page."""
OVER: frozenset[str] = FINAL | {"refunded", "refunded_partial", "dispute_lost"}
"""States as rows name them in which an attempt waits for nothing."""
NOTHING_HELD: frozenset[str] = OVER | TAKEN | {"disputed"}
"""States as rows name them in which nothing is held on the card any more."""


def public_state(phase: Phase, captured_minor: int, refunded_minor: int, dispute: str | None) -> str:
    """The state as the row names it: the phase, and once money was taken what became of it afterwards: disputed,
    dispute_lost, refunded or refunded_partial."""
    if phase not in TAKEN:
        return phase
    if dispute in ("open", "lost"):
        return "disputed" if dispute == "open" else "dispute_lost"
    if refunded_minor <= 0:
        return phase
    return "refunded" if refunded_minor >= captured_minor else "refunded_partial"
