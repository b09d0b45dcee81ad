"""From what is durable to a serving incarnation: checkpoint, facts after it, letters, then the mailbox opens."""

from typing import TYPE_CHECKING, Any

import trio

from runtime.codec import Undecodable
from runtime.incarnation import Incarnation, LiveContext
from runtime.mailbox import Encoded, Envelope
from runtime.store import Recovered, StoreAway, StoredFact

if TYPE_CHECKING:
    from runtime.cell import Cell

_FACTS_PER_PAUSE = 256


async def activate(cell: "Cell") -> None:
    """Claims the actor and gives its cell an incarnation. What it raises is a crash, with no message at fault."""
    system = cell.system
    recovered = await system.recovery.recover(cell.address, claim=True)
    cell.number += 1
    actor = cell.kind.factory(LiveContext(cell, cell.number))
    incarnation = Incarnation(cell, actor, cell.kind.codec(actor), cell.number)
    state, behind = await _replay(cell, incarnation, recovered)
    incarnation.begin(recovered, state, behind)
    cell.incarnation = incarnation
    system.stats.activations += 1
    cell.started_at = system.clock.now()
    first = [Envelope(message, incarnation=cell.number) for message in actor.activated(state, recovered.effects)]
    _queue_first(cell, first, recovered)
    cell.active_at = system.clock.monotonic()


async def _replay(cell: "Cell", incarnation: Incarnation, recovered: Recovered) -> tuple[Any, int]:
    """State as of the last commit, and how many facts it is behind a checkpoint: from the checkpoint, or when that cannot
    be decoded from the first fact on."""
    actor, codec = incarnation.actor, incarnation.codec
    stored, state = recovered.facts, None
    if recovered.checkpoint is not None:
        try:
            state = codec.state(recovered.checkpoint)
        except Undecodable as error:
            cell.system.notice("checkpoint_undecodable", f"{error}; replaying every fact", cell.address)
            stored = await _full_history(cell)
    if state is None:
        state = actor.initial()
    for n, fact in enumerate(stored):
        state = actor.apply(state, codec.fact(fact.row))
        if n % _FACTS_PER_PAUSE == _FACTS_PER_PAUSE - 1:
            await trio.lowlevel.checkpoint()
    return state, len(stored)


async def _full_history(cell: "Cell") -> list[StoredFact]:
    while True:
        try:
            return list(await cell.system.store.full_history(cell.address))
        except StoreAway:
            await trio.sleep(cell.system.limits.away_backoff_cap)


def _queue_first(cell: "Cell", first: list[Envelope], recovered: Recovered) -> None:
    """What must come before anything queued: the actor's own first messages, then waiting letters, oldest first. A letter
    that was delivered directly while this activation read the store is not doubled: its copy in memory is taken, which
    knows more (its correlation)."""
    known = {letter.key for letter in recovered.letters}
    queued = [e for e in cell.mailbox.user if e.letter is None or e.letter not in known]
    delivered = {e.letter: e for e in cell.mailbox.user if e.letter is not None} if recovered.letters else {}
    first += [delivered.get(row.key) or Envelope(Encoded(row.body), letter=row.key) for row in recovered.letters]
    cell.mailbox.user.clear()
    cell.mailbox.user.extend(first)
    cell.mailbox.user.extend(queued)
    keys = {e.letter for e in cell.mailbox.user if e.letter is not None}
    cell.letters = keys or None
    cell.letters_missed = False


async def reload_letters(cell: "Cell") -> None:
    """Read the waiting letters again, in order: the mailbox was full when one came, or one is old."""
    cell.letters_missed = False
    recovered = await cell.system.recovery.recover(cell.address, claim=False)
    for letter in recovered.letters:
        cell.put_letter(letter.key, Encoded(letter.body), "")
