"""A batch of turns on its way into `commit_turns` (storage/migrations/0001_core.sql), and its verdicts back.

The batch travels as arrays, one per column, in one statement: that one statement is the transaction. Only when a
turn breaks a constraint is the batch run again turn by turn, each in a savepoint, so that the bad one fails alone
and says why. Deadlocks are run again as they are. Whatever else goes wrong is StoreAway: the caller submits the same
turns again, and those that were written after all are recognised by their turn id.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec

from runtime.address import Address
from runtime.store import Outcome, StoreAway, Verdict
from runtime.turn import StagedTurn
from storage import limits
from storage.keys import KeyForgotten, Keys
from storage.links import Link, is_away
from storage.rows import UnknownRow, body_of, kind_of

COMMITTED: Final = Outcome(Verdict.COMMITTED)
_OUTCOMES: Final = (COMMITTED, Outcome(Verdict.CONFLICT), Outcome(Verdict.GONE), COMMITTED)
"""By what `commit_turns` answers for a turn: written, conflict, gone, found written."""

_COMMIT: Final = f"SELECT commit_turns({', '.join(f'${n}' for n in range(1, 50))})"
_CHECK_DEFERRED: Final = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
_RUN_AGAIN: Final = frozenset(("40P01", "40001"))
_OPERATORS: Final = frozenset(("42501", "42P01", "42883", "55P03", "XX000"))
"""Rights, a missing table or function, a lock, an internal error: for an operator to put right. No turn is to blame, so
none is rejected for it; the database counts as away until then."""
_TURNS_FAULT: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    UnknownRow,
    UnicodeError,
    ValueError,
    TypeError,
    OverflowError,
    msgspec.MsgspecError,
)


def addresses_of(turns: Sequence[StagedTurn]) -> set[Address]:
    """Every actor that these turns name, so that each has a key before they are encoded."""
    found = {turn.actor for turn in turns}
    for turn in turns:
        if turn.consumed is not None:
            found.add(turn.consumed.sender)
        for letter in turn.letters:
            found.add(letter.to)
    return found


def encode(turns: Sequence[StagedTurn], keys: Keys) -> list[Any]:
    """The arguments of `commit_turns`. Every part carries the 1-based place of its turn."""
    heads: list[tuple[Any, ...]] = []
    consumed: list[tuple[Any, ...]] = []
    fired: list[tuple[Any, ...]] = []
    facts: list[tuple[Any, ...]] = []
    bulk: list[tuple[Any, ...]] = []
    checkpoints: list[tuple[Any, ...]] = []
    letters: list[tuple[Any, ...]] = []
    timers: list[tuple[Any, ...]] = []
    cancelled: list[tuple[Any, ...]] = []
    settled: list[tuple[Any, ...]] = []
    effects: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for i, turn in enumerate(turns, 1):
        actor = turn.actor
        heads.append((actor[0], keys[actor], turn.seq, turn.prev_turn, turn.turn, turn.at, turn.correlation))
        for fact in turn.facts:
            (bulk if fact.bulk else facts).append((i, fact.n, fact.type, fact.version, fact.body.decode()))
        if turn.rows:
            rows += [(i, kind_of(row), body_of(row)) for row in turn.rows]
        if turn.consumed is not None:
            consumed.append((i, keys[turn.consumed.sender], turn.consumed.from_seq, turn.consumed.n))
        if turn.fired is not None:
            fired.append((i, *turn.fired))
        if turn.checkpoint is not None:
            checkpoints.append((i, turn.checkpoint.version, turn.checkpoint.body.decode()))
        if turn.letters:
            letters += [(i, part.to[0], keys[part.to], part.n, part.body.decode()) for part in turn.letters]
        if turn.timers:
            # The last word on a name counts: one statement cannot touch a row twice.
            for timer in {timer.name: timer for timer in turn.timers}.values():
                if timer.at is None:
                    cancelled.append((i, timer.name))
                else:
                    timers.append((i, timer.name, timer.at, timer.body.decode()))
        if turn.settled:
            settled += [(i, effect_id) for effect_id, _ in turn.settled]
        if turn.effects:
            effects += [(i, part.id, part.klass, part.topic, part.body, part.not_after) for part in turn.effects]
    return [
        *zip(*heads, strict=True),
        *_columns(consumed, 4),
        *_columns(fired, 3),
        *_columns(facts, 5),
        *_columns(bulk, 5),
        *_columns(checkpoints, 3),
        *_columns(letters, 5),
        *_columns(timers, 4),
        *_columns(cancelled, 2),
        *_columns(settled, 2),
        *_columns(effects, 6),
        *_columns(rows, 3),
    ]


def _columns(parts: list[tuple[Any, ...]], width: int) -> Sequence[Any]:
    return tuple(zip(*parts, strict=True)) if parts else (None,) * width


def _sorted(turns: Sequence[StagedTurn], keys: Keys) -> tuple[list[int], list[Any]]:
    """The places of the turns in order of their actors' keys, and the arguments in that order."""
    order = sorted(range(len(turns)), key=[keys[turn.actor] for turn in turns].__getitem__)
    return order, encode([turns[place] for place in order], keys)


class _Encoded(NamedTuple):
    order: list[int]
    arguments: list[Any]
    forgotten: int
    """How often the keys had been forgotten when these were looked up."""


class Committer:
    """Writes batches over one lane's connection, one batch at a time."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def commit(self, turns: Sequence[StagedTurn]) -> list[Outcome]:
        """One outcome a turn, in the order given. Raises StoreAway."""
        for _ in range(limits.SERIALIZATION_RETRIES):
            try:
                return await self._link.use(self._commit, turns, self._encoded(turns))
            except KeyForgotten:
                pass
            except asyncpg.PostgresError as error:
                if error.sqlstate in _OPERATORS:
                    raise StoreAway(f"the schema cannot be written: {error}") from error
                if error.sqlstate not in _RUN_AGAIN:
                    raise
        raise StoreAway("the batch met a deadlock again and again")

    def _encoded(self, turns: Sequence[StagedTurn]) -> _Encoded | None:
        """Made before the connection is free, so that it need not wait for this. None: an actor has no key yet, or a turn
        cannot be encoded, which is found again where it is blamed."""
        forgotten = self._keys.forgotten
        try:
            return _Encoded(*_sorted(turns, self._keys), forgotten)
        except (KeyForgotten, *_TURNS_FAULT):
            return None

    async def _commit(
        self, connection: asyncpg.Connection, turns: Sequence[StagedTurn], encoded: _Encoded | None
    ) -> list[Outcome]:
        try:
            if encoded is None or encoded.forgotten != self._keys.forgotten:
                await self._keys.ensure(connection, addresses_of(turns))
                encoded = _Encoded(*_sorted(turns, self._keys), self._keys.forgotten)
            return await self._together(connection, encoded)
        except _TURNS_FAULT as error:
            if _is_nobodys_fault(error, connection):
                raise
        return await self._one_by_one(connection, turns)

    async def _together(self, connection: asyncpg.Connection, encoded: _Encoded) -> list[Outcome]:
        order = encoded.order
        statement = await self._link.prepared(connection, _COMMIT)
        [answer] = await statement.fetch(*encoded.arguments)
        outcomes = [COMMITTED] * len(order)
        if answer[0] is None:
            return outcomes
        for place, verdict in zip(order, answer[0], strict=True):
            outcomes[place] = _OUTCOMES[verdict]
        return outcomes

    async def _one_by_one(self, connection: asyncpg.Connection, turns: Sequence[StagedTurn]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        for place, turn in enumerate(turns):
            try:
                await self._keys.ensure(connection, addresses_of([turn]))
            except _TURNS_FAULT as error:
                outcomes[place] = _rejected(error, connection)
        keyed = (place for place in range(len(turns)) if place not in outcomes)
        async with connection.transaction():
            for place in sorted(keyed, key=lambda place: self._keys[turns[place].actor]):
                try:
                    async with connection.transaction():
                        verdicts = await connection.fetchval(_COMMIT, *encode([turns[place]], self._keys))
                        await connection.execute(_CHECK_DEFERRED)
                except _TURNS_FAULT as error:
                    outcomes[place] = _rejected(error, connection)
                else:
                    outcomes[place] = _OUTCOMES[verdicts[0]] if verdicts else COMMITTED
        return [outcomes[place] for place in range(len(turns))]


def _is_nobodys_fault(error: Exception, connection: asyncpg.Connection) -> bool:
    state = getattr(error, "sqlstate", None)
    return is_away(error, connection) or state in _RUN_AGAIN or state in _OPERATORS


def _rejected(error: Exception, connection: asyncpg.Connection) -> Outcome:
    """The outcome of a turn that broke a rule; what is no turn's fault is raised on."""
    if _is_nobodys_fault(error, connection):
        raise error
    return Outcome(Verdict.REJECTED, str(error))
