"""One life of an actor: the state in memory between two crashes, and what turns a message into a staged turn.

    decide -> apply every fact -> encode -> StagedTurn -> (committer) -> release

Facts are applied *before* staging, so a fact that cannot be applied is never written; the new state is seen by nobody
before the commit. A decision without anything durable is released at once and never meets the store. An incarnation is
thrown away whole at a crash or a conflict: its successor starts from what is durable.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from runtime.actor import Actor
from runtime.address import Address
from runtime.ask import Slot
from runtime.codec import Codec, encode_message
from runtime.errors import ActorError, AskCycle, MailboxFull
from runtime.mailbox import Envelope
from runtime.store import Outcome, Recovered, Verdict
from runtime.turn import EffectRow, LetterKey, LetterRow, StagedTurn, TimerRow

if TYPE_CHECKING:
    from runtime.cell import Cell


_COMMITTED = Verdict.COMMITTED


class Conflict(Exception):
    """Another incarnation moved the head. Not a crash: reload and decide again."""

    def __init__(self, doubtful: bool) -> None:
        super().__init__("another incarnation moved the head")
        self.doubtful = doubtful
        """An earlier submission of the same turn had an unknown outcome: it may be in the other's past."""


class TurnRejected(Exception):
    """The store found that the turn breaks a constraint. It failed alone."""


class LiveContext:
    """What an incarnation may touch of its node (runtime.actor.Context)."""

    __slots__ = ("_cell", "_number", "address")

    def __init__(self, cell: "Cell", number: int) -> None:
        self.address: Address = cell.address
        self._cell = cell
        self._number = number

    def now(self) -> datetime:
        return self._cell.system.clock.now()

    def tell(self, to: Address, message: Any) -> bool:
        cell = self._cell
        return cell.system.tell_from(cell.address, to, message, cell.correlation)

    def tell_self(self, message: Any) -> bool:
        cell = self._cell
        return cell.put(Envelope(message, correlation=cell.correlation, incarnation=self._number))

    def after(self, seconds: float, message: Any) -> "VolatileTimer":
        timer = VolatileTimer(self._cell, self._number, message)
        system = self._cell.system
        system.wheel.add(timer, system.clock.monotonic() + seconds)
        return timer


class VolatileTimer:
    """A message of an incarnation to itself in the future; dies with it."""

    __slots__ = ("_cell", "_message", "_number", "bucket")

    def __init__(self, cell: "Cell", number: int, message: Any) -> None:
        self._cell = cell
        self._number = number
        self._message = message
        self.bucket = -1

    @property
    def actor(self) -> Address:
        return self._cell.address

    @property
    def message_type(self) -> str:
        return type(self._message).__name__

    def cancel(self) -> None:
        self._cell.system.wheel.discard(self)

    def expire(self) -> None:
        incarnation = self._cell.incarnation
        if incarnation is not None and incarnation.number == self._number:
            self._cell.put(Envelope(self._message, incarnation=self._number))


class Staged(msgspec.Struct, eq=False, gc=False):
    """A turn at the committer, with all that its release needs (runtime.committer.Ticket). Only the committer holds it."""

    incarnation: "Incarnation"
    envelope: Envelope | None
    decision: Any
    """None: a turn of the runtime itself (a checkpoint, a buried letter)."""
    state: Any
    turn: StagedTurn
    wake: bool
    doubtful: bool = False

    def settle(self, outcome: Outcome, now: float) -> None:
        incarnation = self.incarnation
        cell = incarnation.cell
        if cell.incarnation is not incarnation:
            return
        error: Exception | None = None
        verdict = outcome.verdict
        try:
            if verdict is _COMMITTED:
                incarnation.release(self)
            elif verdict is Verdict.GONE:
                incarnation.drop(self)
            elif verdict is Verdict.CONFLICT:
                error = Conflict(self.doubtful)
            else:
                cell.system.stats.rejected += 1
                error = TurnRejected(outcome.reason)
        except Exception as raised:
            error = raised
        if cell.trace is not None:
            cell.traced(self.envelope, verdict.value)
        cell.settled(error, self.wake, now)


class Incarnation:
    __slots__ = (
        "actor", "behind", "cell", "checkpoint_at", "checkpoint_seq", "codec", "consumed", "later", "number", "seq", "state",
        "turn_id",
    )  # fmt: skip

    def __init__(self, cell: "Cell", actor: Actor[Any], codec: Codec, number: int) -> None:
        self.cell = cell
        self.actor = actor
        self.codec = codec
        self.number = number
        self.state: Any = None
        self.seq = 0
        self.turn_id = b""
        self.behind = 0
        """Facts after the checkpoint."""
        self.checkpoint_seq = 0
        self.checkpoint_at: datetime | None = None
        self.later: dict[str, list[Slot]] | None = None
        self.consumed: dict[LetterKey, None] | None = None

    def begin(self, recovered: Recovered, state: Any, behind: int) -> None:
        self.state = state
        self.seq = recovered.seq
        self.turn_id = recovered.turn
        self.checkpoint_seq = recovered.checkpoint_seq
        self.behind = behind

    # -- deciding

    def decide(self, envelope: Envelope, message: Any) -> Staged | None:
        """None: the decision was volatile and is released already. What it raises is a crash."""
        now = self.cell.system.clock.now()
        decision = self.actor.decide(self.state, message, now)
        facts = decision.facts
        if not (
            facts
            or decision.letters
            or decision.rows
            or decision.timers
            or decision.effects
            or decision.settled
            or envelope.letter is not None
            or envelope.fired is not None
        ):
            self.cell.system.stats.volatile_turns += 1
            self._go_out(envelope, decision)
            self.actor.released(self.state, decision)
            return None
        state = self.state
        apply = self.actor.apply
        for fact in facts:
            state = apply(state, fact)
        return Staged(self, envelope, decision, state, self._stage(envelope, decision, state, now), False)

    def _stage(self, envelope: Envelope, decision: Any, state: Any, now: datetime) -> StagedTurn:
        actor = self.actor
        letters = decision.letters
        timers = decision.timers
        effects = decision.effects
        behind = self.behind + len(decision.facts)
        system = self.cell.system
        return StagedTurn(
            actor=self.cell.address,
            seq=self.seq,
            prev_turn=self.turn_id,
            turn=system.random.getrandbits(128).to_bytes(16, "little"),
            at=now,
            correlation=envelope.correlation,
            facts=self.codec.facts(decision.facts),
            letters=self._letter_rows(letters) if letters else (),
            consumed=envelope.letter,
            fired=envelope.fired,
            timers=_timer_rows(timers) if timers else (),
            effects=[EffectRow(e.id, e.klass, e.topic, e.body, e.not_after) for e in effects] if effects else (),
            settled=decision.settled,
            rows=decision.rows,
            checkpoint=self.codec.checkpoint(state) if behind >= actor.checkpoint_every or self._begins_bare(behind) else None,
        )

    def _begins_bare(self, behind: int) -> bool:
        """A life that begins with a turn without facts (a letter that changed nothing) leaves its state instead: a head that
        nothing led to would look as if its past had been lost."""
        return not self.seq and not behind

    def _letter_rows(self, letters: Sequence[Any]) -> list[LetterRow]:
        """A letter to an unknown kind could never be delivered: it crashes its writer, before anything is written."""
        kind = self.cell.system.registry.kind
        rows = []
        for n, letter in enumerate(letters):
            to = Address(*letter.to)
            kind(to)
            rows.append(LetterRow(to, n, encode_message(letter.message)))
        return rows

    def stage_bare(self, *, checkpoint: bool, envelope: Envelope | None = None) -> Staged:
        """A turn of the runtime itself: a checkpoint, or the consumption of a letter or timer that was buried."""
        turn = StagedTurn(
            actor=self.cell.address,
            seq=self.seq,
            prev_turn=self.turn_id,
            turn=self.cell.system.random.randbytes(16),
            at=self.cell.system.clock.now(),
            correlation=envelope.correlation if envelope is not None else "",
            consumed=envelope.letter if envelope is not None else None,
            fired=envelope.fired if envelope is not None else None,
            checkpoint=self.codec.checkpoint(self.state) if checkpoint or not self.seq else None,
        )
        return Staged(self, envelope, None, self.state, turn, True)

    # -- releasing

    def release(self, staged: Staged) -> None:
        """The turn is durable: the new state becomes visible, then everything that waited for it goes out."""
        turn = staged.turn
        decision = staged.decision
        cell = self.cell
        system = cell.system
        self.seq = turn.seq + 1
        self.turn_id = turn.turn
        self.state = staged.state
        self.behind += len(turn.facts)
        if turn.checkpoint is not None:
            self.behind = 0
            self.checkpoint_seq = self.seq
            self.checkpoint_at = turn.at
        system.stats.releases += 1
        envelope = staged.envelope
        if envelope is not None and (envelope.letter is not None or envelope.fired is not None):
            self._done_with(envelope)
        if decision is None or envelope is None:
            return
        self._go_out(envelope, decision)
        if decision.letters:
            for n, letter in enumerate(decision.letters):
                key = LetterKey(cell.address, self.seq, n)
                system.deliver_letter(Address(*letter.to), key, letter.message, envelope.correlation)
        if turn.timers:
            system.timers.changed(turn.timers)
        if turn.effects:
            system.outbox.changed(turn.effects)
        self.actor.released(self.state, decision)

    def drop(self, staged: Staged) -> None:
        """The letter or timer was consumed before: the turn is void, the state stays."""
        self.cell.system.stats.gone += 1
        if staged.envelope is not None:
            self._done_with(staged.envelope)

    def _done_with(self, envelope: Envelope) -> None:
        if envelope.letter is not None:
            self.remember(envelope.letter)
            self.cell.forget_letter(envelope.letter)
        elif envelope.fired is not None:
            self.cell.system.timers.consumed(self.cell.address, envelope.fired)

    def remember(self, key: LetterKey) -> None:
        if self.consumed is None:
            self.consumed = {}
        self.consumed[key] = None
        if len(self.consumed) > self.cell.system.limits.consumed_remembered:
            del self.consumed[next(iter(self.consumed))]

    def _go_out(self, envelope: Envelope, decision: Any) -> None:
        """Reply, answers, signals."""
        cell = self.cell
        cell.current = None  # from here on nothing that raises is this message's fault
        slot = envelope.slot
        if slot is not None:
            if decision.forward is not None:
                self._forward(slot, envelope, decision.forward)
            elif decision.later is not None:
                self._keep(slot, decision.later)
            else:
                slot.resolve(decision.reply)
        elif decision.forward is not None:
            to, message = decision.forward
            cell.system.tell_from(cell.address, Address(*to), message, envelope.correlation)
        if decision.answers:
            self._answer(decision.answers)
        if decision.signals:
            for signal in decision.signals:
                cell.system.tell_from(cell.address, Address(*signal.to), signal.message, envelope.correlation)

    def _forward(self, slot: Slot, envelope: Envelope, forward: tuple[Sequence[str], Any]) -> None:
        """The slot moves on with its deadline and chain; whatever goes wrong from here reaches the first asker."""
        to = Address(*forward[0])
        system = self.cell.system
        slot.hops += 1
        try:
            if slot.hops > system.limits.hops or to in slot.chain:
                raise AskCycle(to, f"forwarded {slot.hops} times, asked by {' > '.join(map(str, slot.chain)) or 'an edge'}")
            system.forward(to, Envelope(forward[1], slot, envelope.correlation))
        except ActorError as error:
            slot.fail(error)

    def _keep(self, slot: Slot, key: str) -> None:
        limit = self.cell.system.limits.later_per_actor
        if self.later is None:
            self.later = {}
        if len(self.later) >= limit:
            self.open_later()
        if len(self.later) >= limit:
            slot.fail(MailboxFull(self.cell.address, f"{limit} answers are outstanding"))
            return
        self.later.setdefault(key, []).append(slot)

    def open_later(self) -> int:
        """How many asks wait for a later decision; forgets those whose deadline has passed."""
        if not self.later:
            return 0
        for key, slots in list(self.later.items()):
            slots[:] = [slot for slot in slots if not slot.done]
            if not slots:
                del self.later[key]
        return sum(map(len, self.later.values()))

    def _answer(self, answers: Sequence[tuple[str, Any]]) -> None:
        later = self.later
        for key, value in answers:
            for slot in later.pop(key, ()) if later else ():
                slot.resolve(value)

    def end(self, error: ActorError) -> None:
        """The incarnation is over; what waited for it hears why."""
        later, self.later = self.later, None
        for slots in later.values() if later else ():
            for slot in slots:
                slot.fail(error)
        self.actor.deactivated()


def _timer_rows(timers: Sequence[Any]) -> list[TimerRow]:
    return [TimerRow(t.name, t.at, encode_message(t.message) if t.at is not None else b"") for t in timers]
