"""Where a driver is, from where the payment and the session are: one table, and what its page shows.

`Stage.busy`: something will happen by itself, so the page moves. `paid`: money was taken and there is a receipt.
"""

import msgspec

from actors.model.rows import PaymentRow, SessionRow


class Stage(msgspec.Struct, frozen=True):
    name: str
    title: str
    busy: bool = False
    paid: bool = False


STAGES = {
    stage.name: stage
    for stage in (
        Stage("opening", "Opening the payment page", busy=True),
        Stage("paying", "Waiting for your payment", busy=True),
        Stage("checking", "Your payment is being checked", busy=True),
        Stage("starting", "The station is starting", busy=True),
        Stage("charging", "Charging", busy=True),
        Stage("stopping", "Charging is being stopped", busy=True),
        Stage("settling", "Charging has ended", busy=True),
        Stage("held_up", "Charging has ended; the bill takes longer"),
        Stage("receipt", "Receipt", paid=True),
        Stage("part_refunded", "Receipt, partly refunded", paid=True),
        Stage("refunded", "Receipt, refunded", paid=True),
        Stage("disputed", "Receipt, payment disputed", paid=True),
        Stage("expired", "The payment was not finished"),
        Stage("cancelled", "You have cancelled"),
        Stage("not_proven", "Your bank did not confirm the payment"),
        Stage("declined", "The payment did not work"),
        Stage("taken", "Somebody else was faster"),
        Stage("too_often", "This card cannot be used here now"),
        Stage("unfit", "The charging point cannot be used"),
        Stage("failed", "Charging did not start"),
        Stage("waived", "You pay nothing"),
        Stage("lost", "You pay nothing for now"),
    )
}
"""Every page there is; the German titles stand in german.py."""

_OF_STATE = {
    "quoted": "opening",
    "checkout_open": "paying",
    "authorised": "checking",
    "proof_ok": "checking",
    "starting": "starting",
    "charging": "charging",
    "rated": "settling",
    "capturing": "settling",
    "capture_uncertain": "settling",
    "capture_failed": "held_up",
    "captured": "receipt",
    "settled": "receipt",
    "refunded_partial": "part_refunded",
    "refunded": "refunded",
    "disputed": "disputed",
    "dispute_lost": "disputed",
    "proof_refused": "not_proven",
    "start_failed": "failed",
    "lost": "lost",
}
_LET_GO = frozenset(("releasing", "released", "expired"))
_OF_REASON = {
    "evse_claimed": "taken", "evse_occupied": "taken",
    "evse_reserved": "unfit", "evse_faulted": "unfit", "evse_unavailable": "unfit", "evse_unknown": "unfit",
    "evse_silent": "unfit", "evse_too_often": "too_often",
    "sca_refused": "not_proven", "no_proof": "not_proven", "authentication_required": "not_proven",
    "cancelled": "cancelled", "page_expired": "expired",
    "psp_away": "declined", "hold_differs": "declined", "hold_gone": "declined", "account_gone": "declined",
    "nothing_delivered": "waived", "below_minimum": "waived", "waived": "waived", "guard": "waived",
    "start_not_accepted": "waived",
}  # fmt: skip
"""Why nothing was taken -> its page. A start that failed says so in its reason (start_...); any other word is one of the payment
provider's for a card that it did not take."""


def stage_of(row: PaymentRow, session: SessionRow | None) -> Stage:
    """The page of an attempt. A stop that is under way is the session's affair: it is no state of the payment."""
    name = _OF_STATE.get(row.state, "held_up")
    if row.excess_minor and not row.captured_minor:
        name = "failed" if (row.reason or "").startswith("start_") else "waived"
    elif row.state in _LET_GO and row.reason is not None:
        name = "failed" if row.reason.startswith("start_") else "declined"
        name = _OF_REASON.get(row.reason, name)
    elif row.state in _LET_GO:
        name = "waived" if row.session is not None else "expired"
    elif row.state == "charging" and session is not None and session.ended_at is not None:
        name = "held_up" if session.state == "quarantined" or session.unpriced else "settling"
    return STAGES[name]


_FAILURES = {
    "start_rejected": "The station refused to start.",
    "start_offline": "The station was not connected when it was to start.",
    "start_timeout": "No vehicle was plugged in in time, or the station did not answer.",
}


def failure_of(row: PaymentRow) -> str:
    """Why charging did not start, for the driver."""
    return _FAILURES.get(row.reason or "", "The station did not begin to charge.")
