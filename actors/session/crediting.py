"""A session that was invoiced is credited as a whole: the journal is reversed, a credit CDR and a credit note take the bill back.

All of it is one turn. What is to be taken back comes with the wish, since an ended session keeps neither its CDR nor its journal;
it must be what the session itself booked. CDRs, journals and documents never change: a credit is the only correction of a bill.
What a card or a wallet paid is refunded where it was paid.
"""

from datetime import datetime

from actors.limits import DomainLimits
from actors.model.cdr import cdr_id, credit_cdr
from actors.model.decision import MONEY, Decision, Refused
from actors.model.documents import credit_note
from actors.model.ledger import reversal
from actors.model.rows import CdrRow
from actors.session import facts as f
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.rows import event, place_of, session_row
from actors.session.state import SessionState
from actors.station.messages import Done


def decide_credit(session: str, state: SessionState, message: m.Credit, now: datetime, limits: DomainLimits) -> Decision:
    """Credited twice is credited once."""
    if state.place is None or state.phase == "matched":
        return Decision(reply=Refused("unknown", "there is no such session"))
    if state.credited is not None:
        return Decision(reply=Done())
    if state.journal is None or state.phase != "booked" or (state.verdict is not None and state.verdict.paid_by):
        detail = "only a session that was booked to be paid later is credited; what a card or a wallet paid is refunded there"
        return Decision(reply=Refused("not_invoiced", detail))
    if not message.reason.strip():
        return Decision(reply=Refused("invalid", "a reason is needed", "reason"))
    if (message.cdr.id, message.journal.id) != (state.cdr, state.journal):
        return Decision(reply=Refused("conflict", "that is not what the session booked"))
    place, taken = place_of(state), reversal(message.journal, at=now)
    id = cdr_id(session, 1)
    fact = f.Credited(id, taken.id, message.reason, message.who, now)
    after = apply(state, fact)
    note = None
    if message.invoice is not None:
        whole = message.invoice.gross_minor
        note = credit_note(message.invoice, refund=id, amount_minor=whole, credited_before_minor=0, at=now)
    cdr = CdrRow(
        tenant=place.tenant, id=id, session=session, journal=taken.id, at=now, body=credit_cdr(message.cdr.body, id, now)
    )  # fmt: skip
    rows = (taken, cdr, *(() if note is None else (note,)), session_row(session, after, now))
    return Decision(
        facts=(fact,), rows=(*rows, event(session, after, "session.credited", now)), reply=Done(), lane=MONEY
    )  # fmt: skip
