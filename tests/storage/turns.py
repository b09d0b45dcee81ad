"""Turns to commit in tests: an actor that counts its own sequence as the runtime does."""

import random
from datetime import UTC, datetime
from typing import Any

from runtime.address import Address
from runtime.turn import NO_TURN, FactRow, LetterRow, StagedTurn

NOW = datetime.now(UTC).replace(microsecond=123456)
ALICE = Address("acme", "station", "alice")
BOB = Address("acme", "session", "bob/with/slashes")
CAROL = Address("other", "tenant", "carol")


def turn_id(random_: random.Random) -> bytes:
    return random_.randbytes(16)


def fact(n: int = 0, body: bytes = b'{"x":1}', *, bulk: bool = False) -> FactRow:
    return FactRow(n, "Happened", 1, body, bulk)


def letter(to: Address, n: int = 0, body: bytes = b'{"hello":true}') -> LetterRow:
    return LetterRow(to, n, body)


class Writer:
    """One incarnation: `turn` stages the next turn on what it believes the head is, `won` believes it moved."""

    def __init__(self, actor: Address, seed: int = 1) -> None:
        self.actor = actor
        self.seq = 0
        self.head = NO_TURN
        self._random = random.Random(f"{seed}/{actor}")

    def turn(self, **parts: Any) -> StagedTurn:
        return StagedTurn(
            actor=self.actor,
            seq=self.seq,
            prev_turn=self.head,
            turn=turn_id(self._random),
            at=parts.pop("at", NOW),
            correlation=parts.pop("correlation", "c-1"),
            **parts,
        )

    def won(self, turn: StagedTurn) -> None:
        self.seq, self.head = turn.seq + 1, turn.turn
