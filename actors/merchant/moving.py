"""Money of the brand that moves on to an owner or a partner, and back after a refund (MONEY 1.5). Pure functions.

A letter says that the brand's books owe more, or less. What is owed is sent in one transfer as soon as it is worth one, or
after a day; what is owed less was not sent yet, or is taken back from a transfer that was. The provider's no (too little on
the brand's balance, say) is no end: it is asked again, under a new key, since it remembers a refusal by its key.
"""

from typing import Any

from actors.merchant import facts as f
from actors.merchant import messages as m
from actors.merchant.money_state import ASKED, DONE, REVERSAL, TRANSFER, WAITING, Due, Move, Sent
from actors.merchant.state import DISCONNECTED
from actors.merchant.turn import Turn
from actors.model import posting, psp
from actors.model.money import chargeable
from actors.model.rows import TransferRow


def credited(turn: Turn, letter: m.OwnerCredited) -> None:
    turn.put(f.Credited(letter.ref, letter.role, letter.currency, letter.amount_minor, turn.now))
    go_on(turn)


def debited(turn: Turn, letter: m.OwnerDebited) -> None:
    turn.put(f.Debited(letter.ref, letter.session, letter.role, letter.currency, letter.amount_minor, turn.now))
    go_on(turn)


def go_on(turn: Turn) -> None:
    """Ask for what can be moved now; set a timer for what has to wait."""
    if turn.account is None or turn.state.onboarding == DISCONNECTED:
        return
    for key in list(turn.state.money.due):
        due, (role, currency) = turn.state.money.due[key], key.split("/")
        if len(turn.state.money.moves) >= turn.limits.merchant_moves:
            return
        if chargeable(due.amount_minor, currency) > 0:
            _send(turn, key, due, role, currency)
        elif due.amount_minor < 0:
            _take_back(turn, key, role, currency)


def _send(turn: Turn, key: str, due: Due, role: str, currency: str) -> None:
    limits = turn.limits
    waits_until = (due.since or turn.now) + limits.transfer_within
    small = due.amount_minor < limits.transfer_at_once_minor and len(due.refs) < limits.transfer_refs
    name = f"transfer/{key}"
    if small and waits_until > turn.now:
        turn.timer(name, waits_until, m.TransferDue())
        return
    turn.timer(name, None)
    _begin(turn, TRANSFER, role, currency, chargeable(due.amount_minor, currency), due.refs)


def _take_back(turn: Turn, key: str, role: str, currency: str) -> None:
    """From the transfers of the refunded sessions first, else from the newest ones. What none of them has left stays owed, and
    the next credits are reckoned against it."""
    due = turn.state.money.due[key]
    sessions = {ref for ref, minor in due.refs if minor < 0}

    def order(place: int) -> tuple[bool, int]:
        return (not sessions.intersection(ref for ref, _ in sent[place].refs), -place)

    sent = [one for one in turn.state.money.sent if (one.role, one.currency) == (role, currency) and one.left_minor > 0]
    for place in sorted(range(len(sent)), key=order):
        owed = chargeable(-turn.state.money.due.get(key, Due()).amount_minor, currency)
        if owed <= 0 or len(turn.state.money.moves) >= turn.limits.merchant_moves:
            return
        one = sent[place]
        refs = tuple((ref, minor) for ref, minor in due.refs if minor < 0)
        _begin(turn, REVERSAL, role, currency, min(owed, one.left_minor), refs, one.transfer, one.platform)


def _begin(
    turn: Turn,
    kind: str,
    role: str,
    currency: str,
    amount_minor: int,
    refs: tuple[tuple[str, int], ...],
    transfer: str | None = None,
    platform: str | None = None,
) -> None:
    id = f"{kind}:{turn.tenant}:{turn.id}:{turn.state.money.moved + 1}"
    where = turn.platform if platform is None else platform
    turn.put(f.MoveAsked(id, kind, role, currency, amount_minor, refs, turn.now, transfer=transfer, platform=where))
    _ask(turn, turn.state.money.moves[id])


def _ask(turn: Turn, move: Move) -> None:
    key = f"{move.id}:{move.attempt}"
    call: psp.AnyCall
    if move.kind == REVERSAL:
        assert move.transfer is not None, "a reversal is of a transfer"
        call = psp.ReverseTransfer(
            key=key, made_at=turn.now, tenant=turn.tenant, merchant=turn.id, transfer=move.transfer,
            amount_minor=move.amount_minor, currency=move.currency,
        )  # fmt: skip
    else:
        assert turn.account is not None, "go_on and again look"
        call = psp.MakeTransfer(
            key=key, made_at=turn.now, tenant=turn.tenant, merchant=turn.id, destination=turn.account,
            amount_minor=move.amount_minor, currency=move.currency, group=move.id,
        )  # fmt: skip
    turn.ask(call, move.platform)
    turn.rows.append(transfer_row(turn, move))


def answered(turn: Turn, answer: psp.PspAnswer) -> None:
    move = turn.state.money.moves.get(answer.call.key.rpartition(":")[0])
    seen = answer.seen
    if isinstance(seen, psp.PspUnsure):
        return  # not settled: it is asked again with the same key
    turn.settled.append((answer.effect, "done"))
    if move is None:
        return
    if isinstance(seen, psp.PspRefused):
        _refused(turn, move, seen)
        return
    assert isinstance(seen, psp.TransferSeen), f"no answer to {answer.call.key}: {type(seen).__name__}"
    ids = turn.book_all(*_journals(turn, move))
    sent = next((one for one in turn.state.money.sent if move.transfer is not None and one.transfer == move.transfer), None)
    turn.put(f.MoveDone(move.id, seen.transfer, turn.now, seen.reversal, ids))
    turn.rows.append(transfer_row(turn, move, DONE, seen, ids))
    if move.kind == REVERSAL and sent is not None:
        turn.rows.append(_sent_row(turn, sent))
    turn.timer(f"move/{move.id}", None)
    turn.tell("transferred" if move.kind == TRANSFER else "reversed", amount_minor=move.amount_minor, currency=move.currency)
    go_on(turn)


def _journals(turn: Turn, move: Move) -> tuple[Any, ...]:
    refs = {ref for ref, _ in move.refs}
    told: dict[str, Any] = {
        "tenant": turn.tenant, "ref": refs.pop() if len(refs) == 1 else move.id, "amount_minor": move.amount_minor,
        "currency": move.currency, "at": turn.now,
    }  # fmt: skip
    if move.role == "partner":
        if move.kind == REVERSAL:
            return (posting.partner_reversed(reversal=move.id, partner=turn.id, **told),)
        return (posting.partner_paid(transfer=move.id, partner=turn.id, **told),)
    if move.kind == REVERSAL:
        return posting.transfer_reversed(reversal=move.id, merchant=turn.card, **told)
    return posting.transfer_made(transfer=move.id, merchant=turn.card, **told)


def _refused(turn: Turn, move: Move, seen: psp.PspRefused) -> None:
    turn.put(f.MoveRefused(move.id, seen.code, seen.detail, turn.now))
    if move.reason != seen.code:
        turn.tell(
            "transfer_waiting", kind=move.kind, amount_minor=move.amount_minor, currency=move.currency, reason=seen.code,
            detail=seen.detail,
        )  # fmt: skip
    waiting = turn.state.money.moves[move.id]
    turn.rows.append(transfer_row(turn, waiting))
    pause = min(turn.limits.transfer_again * 2 ** min(move.attempt - 1, 10), turn.limits.transfer_again_most)
    turn.timer(f"move/{move.id}", turn.now + pause, m.MoveAgain(move.id))


def again(turn: Turn, message: m.MoveAgain) -> None:
    move = turn.state.money.moves.get(message.id)
    if move is None or move.state != WAITING:
        return
    if turn.account is None and move.kind == TRANSFER:
        turn.timer(f"move/{move.id}", turn.now + turn.limits.transfer_again_most, m.MoveAgain(move.id))
        return
    attempt = move.attempt + 1
    # A transfer that never left goes where the account is connected now; what is taken back is where it was sent from.
    platform = turn.platform if move.kind == TRANSFER else move.platform
    turn.put(
        f.MoveAsked(
            move.id, move.kind, move.role, move.currency, move.amount_minor, move.refs, turn.now, attempt, move.transfer, platform
        )
    )
    _ask(turn, turn.state.money.moves[move.id])


def transfer_row(
    turn: Turn, move: Move, state: str | None = None, seen: psp.TransferSeen | None = None, journals: tuple[str, ...] = ()
) -> TransferRow:
    return TransferRow(
        tenant=turn.tenant,
        id=move.id,
        merchant=turn.id,
        kind=move.kind,
        role=move.role,
        state=state or move.state,
        currency=move.currency,
        amount_minor=move.amount_minor,
        created_at=move.begun_at,
        updated_at=turn.now,
        transfer=seen.transfer if seen is not None else move.transfer,
        reversal=seen.reversal if seen is not None else None,
        left_minor=move.amount_minor if state == DONE and move.kind == TRANSFER else 0,
        refs=[[ref, minor] for ref, minor in move.refs],
        reason=move.reason if move.state != ASKED and state != DONE else None,
        journals=list(journals),
    )


def _sent_row(turn: Turn, sent: Sent) -> TransferRow:
    """A transfer of which something was taken back."""
    return TransferRow(
        tenant=turn.tenant,
        id=sent.id,
        merchant=turn.id,
        kind=TRANSFER,
        role=sent.role,
        state=DONE,
        currency=sent.currency,
        amount_minor=sent.amount_minor,
        created_at=sent.begun_at,
        updated_at=turn.now,
        transfer=sent.transfer,
        left_minor=sent.left_minor,
        refs=[[ref, minor] for ref, minor in sent.refs],
        journals=list(sent.journals),
    )
