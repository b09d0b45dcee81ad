"""The end of an OCPP 2.x transaction: its energy, the time that is billed, and whether anybody may be billed at all.

Ended, rated and booked are one turn here as for 1.6 (`stop.close`): the answer to Ended carries the final cost. What
cannot be trusted waits for an operator, by the same rules as ever (`actors/model/plausible.py`) and these:

* no register and no interval: nobody can tell the energy ("meter_missing");
* events are missing, and with them the reading of the start or the end ("gap_energy");
* nobody was authorised, yet energy flowed ("no_token").

The transaction may begin long before the charge (TxStartPoint): billed is from the first moment in which the vehicle
asked for energy. A session in which it never did, and that delivered nothing, is waived.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.model.decision import Decision, Timer
from actors.session import book as b
from actors.session import facts as f
from actors.session.apply import apply
from actors.session.booking import findings
from actors.session.state import SessionState
from actors.session.stop import BLOCKING_FLAGS, TOO_LATE, close

GAP = "gap"


def conclude(
    session: str, before: SessionState, state: SessionState, facts: list[Any], now: datetime, reply: Callable[[SessionState], Any]
) -> Decision:
    """The turn that ends the session. `state`: `before` with the `facts` of this turn; Ended is among all that came."""
    end = _end(state, now)
    after = state
    for fact in end:
        after = apply(after, fact)
    decision = close(session, before, after, [*facts, *end], now, reply)
    if before.book is None or before.book.ended is None:
        return decision
    return replace(decision, timers=(*decision.timers, Timer(GAP, None)))


def _end(state: SessionState, now: datetime) -> list[Any]:
    """Concluded, and why it is not billed if it is not."""
    book = state.book
    assert book is not None
    assert book.ended is not None
    gap = not b.complete(book)
    metering = b.metering(book)
    if gap and metering is not None and not metering.edges and b.never_charged(book):
        metering = None
    concluded = _concluded(state, book, metering, ("gap",) if gap else ())
    if state.phase == "quarantined":
        return [concluded]
    payer = b.payer(book)
    if payer is not None and payer.verdict.paid_by and not payer.verdict.liable:
        return [concluded, f.Waived(TOO_LATE, now)]
    anomalies, noted = _doubts(state, concluded, metering, gap)
    concluded = replace(concluded, flags=(*concluded.flags, *noted))
    anomalies += [flag for flag in (*state.flags, *concluded.flags) if flag in BLOCKING_FLAGS and flag not in anomalies]
    nothing = concluded.energy_wh == 0 and not anomalies
    if nothing and (payer is None or not payer.verdict.accepted):
        return [concluded, f.Waived("nothing was delivered, and no token was accepted", now)]
    if nothing and b.never_charged(book):
        return [concluded, f.Waived("the vehicle never asked for energy", now)]
    if payer is None:
        anomalies.append("no_token")
    elif not payer.verdict.liable:
        anomalies.append("token_not_accepted")
    return [concluded, f.Quarantined(tuple(anomalies), now)] if anomalies else [concluded]


def _concluded(state: SessionState, book: b.Book, metering: b.Metering | None, flags: tuple[str, ...]) -> f.Concluded:
    ended = book.ended
    assert ended is not None
    started = b.started_at(book) or ended.at
    flags += tuple("stopped_by_other_token" for token in book.tokens if token.stopping and not _may_stop(book, token))
    return f.Concluded(
        started_at=started,
        at=ended.at,
        received=ended.received,
        reason=ended.reason,
        billed_from=b.billed_from(book, started, ended.at),
        meter_start_wh=None if metering is None else metering.start_wh,
        meter_stop_wh=None if metering is None else metering.stop_wh,
        energy_wh=None if metering is None else max(0, metering.stop_wh - metering.start_wh),
        summed=metering is not None and metering.summed,
        flags=flags,
    )


def _may_stop(book: b.Book, token: b.TokenTold) -> bool:
    """The same token, one of its group, or a master pass (PROTOCOLS 2.5, C16)."""
    payer = b.payer(book)
    if payer is None or payer.token.ref == token.token.ref:
        return True
    if book.ended is not None and book.ended.reason == "MasterPass":
        return True
    group = payer.verdict.group_ref
    return group is not None and group == token.verdict.group_ref


def _doubts(state: SessionState, concluded: f.Concluded, metering: b.Metering | None, gap: bool) -> tuple[list[str], list[str]]:
    """(anomalies that forbid a bill, flags that only inform)."""
    book = state.book
    assert book is not None
    if metering is None:
        return ["gap_energy" if gap else "meter_missing"], []
    measured = replace(
        state,
        meter_start_wh=metering.start_wh,
        started_at=concluded.started_at,
        series=() if metering.summed else state.curve,
    )
    anomalies, noted = findings(measured, metering.stop_wh, concluded.at, concluded.received)
    if gap and not metering.edges:
        anomalies.append("gap_energy")
    elif not metering.edges and not metering.summed and concluded.energy_wh:
        noted.append("meter_edges_missing")
    if metering.summed:
        noted.append("meter_intervals")
        if book.lost_intervals:
            anomalies.append("too_many_intervals")
    return anomalies, noted
