"""The fence under fire: two nodes that both believe they own the same actors, while connections are killed.

Each node writes turns on what it believes the head is. A fact names the turn before it, so that a broken chain
shows; a letter goes to the next actor with each turn, and its consumption is part of a later fact. At the end the
database must hold one unbroken chain per actor, everything that was acknowledged, and each letter exactly once.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import trio

from runtime.address import Address
from runtime.store import Recovered, StoreAway, Verdict
from runtime.turn import MAIN, NO_TURN, CheckpointRow, FactRow, LetterKey, StagedTurn
from storage.database import Database
from storage.open import open_database
from tests.kits.postgres import end_connections
from tests.storage.turns import NOW, letter

pytestmark = pytest.mark.postgres

ACTORS = [Address("acme", "session", f"s{n}") for n in range(6)]
ROUNDS = 60


class Node:
    """One of the two: commits batches over all actors, reloads what it lost, resubmits what is unknown."""

    def __init__(self, name: str, database: Database, random_: random.Random) -> None:
        self.name = name
        self.store = database.store
        self.random = random_
        self.states: dict[Address, Recovered] = {}
        self.acknowledged: dict[Address, set[str]] = {actor: set() for actor in ACTORS}
        self.verdicts: Counter[Verdict] = Counter()
        self.away = 0
        self.rounds = 0

    async def run(self, enough: Callable[[], bool]) -> None:
        await self._reload(ACTORS)
        while not enough():
            self.rounds += 1
            chosen = self.random.sample(ACTORS, self.random.randint(1, len(ACTORS)))
            turns = [self._turn(actor) for actor in chosen]
            for turn, verdict in zip(turns, await self._commit(turns), strict=True):
                self.verdicts[verdict] += 1
                if verdict is Verdict.COMMITTED:
                    self.acknowledged[turn.actor].add(turn.turn.hex())
            await self._reload(chosen)

    def _turn(self, actor: Address) -> StagedTurn:
        state = self.states[actor]
        letters = list(state.letters)
        consumed = self.random.choice(letters).key if letters and self.random.random() < 0.8 else None
        turn = self.random.randbytes(16)
        body = {
            "turn": turn.hex(),
            "prev": state.turn.hex(),
            "consumed": None if consumed is None else [consumed.sender.id, consumed.from_seq, consumed.n],
        }
        return StagedTurn(
            actor=actor, seq=state.seq, prev_turn=state.turn, turn=turn, at=NOW, correlation=self.name,
            facts=[FactRow(0, "Step", 1, json.dumps(body).encode(), bulk=self.random.random() < 0.3)],
            letters=[letter(ACTORS[(ACTORS.index(actor) + 1) % len(ACTORS)])],
            consumed=consumed,
            checkpoint=CheckpointRow(1, b"{}") if self.random.random() < 0.1 else None,
        )  # fmt: skip

    async def _commit(self, turns: list[StagedTurn]) -> list[Verdict]:
        while True:
            try:
                return [outcome.verdict for outcome in await self.store.commit(MAIN, turns)]
            except StoreAway:
                self.away += 1
                await trio.sleep(0.005)

    async def _reload(self, actors: list[Address]) -> None:
        while True:
            try:
                found = await self.store.recover(actors, claim=self.random.random() < 0.5)
            except StoreAway:
                await trio.sleep(0.005)
            else:
                self.states.update(zip(actors, found, strict=True))
                return


async def _kill_connections(dsn: str, random_: random.Random) -> None:
    """Terminate the lanes' backends again and again, from outside."""
    while True:
        await trio.sleep(random_.uniform(0.002, 0.03))
        await trio.to_thread.run_sync(end_connections, dsn, "SELECT commit_turns%")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_writers_with_killed_connections_never_break_a_chain(fresh_dsn: str, seed: int) -> None:
    random_ = random.Random(seed)
    async with open_database(fresh_dsn, migrating=False) as left, open_database(fresh_dsn, migrating=False) as right:
        nodes = [Node("left", left, random.Random(seed * 2)), Node("right", right, random.Random(seed * 2 + 1))]

        def enough() -> bool:
            """So many rounds, and more while the two have not met yet, or no kill has hit, as on a slow machine."""
            met = any(node.verdicts[Verdict.CONFLICT] for node in nodes) and any(node.away for node in nodes)
            return met and all(node.rounds >= ROUNDS for node in nodes)

        async with trio.open_nursery() as killers:
            killers.start_soon(_kill_connections, fresh_dsn, random_)
            with trio.fail_after(300):
                async with trio.open_nursery() as writers:
                    for node in nodes:
                        writers.start_soon(node.run, enough)
            killers.cancel_scope.cancel()
        heads = await _recovered(left)
        consumed: Counter[tuple[Any, ...]] = Counter()
        sent = 0
        for actor in ACTORS:
            history = await left.store.full_history(actor)
            _check_chain(actor, [json.loads(stored.row.body) for stored in history], heads[actor])
            assert [stored.seq for stored in history] == list(range(1, heads[actor].seq + 1))
            for node in nodes:
                lost = node.acknowledged[actor] - {json.loads(stored.row.body)["turn"] for stored in history}
                assert not lost, f"{node.name} was told that {lost} are committed"
            for stored in history:
                key = json.loads(stored.row.body)["consumed"]
                if key is not None:
                    consumed[(actor, *key)] += 1
            sent += len(history)
        assert max(consumed.values()) == 1
        waiting = sum(len(heads[actor].letters) for actor in ACTORS)
        assert sent == len(consumed) + waiting


async def _recovered(database: Database) -> dict[Address, Recovered]:
    return dict(zip(ACTORS, await database.store.recover(ACTORS, claim=False), strict=True))


def _check_chain(actor: Address, facts: list[dict[str, Any]], head: Recovered) -> None:
    before = NO_TURN.hex()
    for fact in facts:
        assert fact["prev"] == before, f"the chain of {actor} is broken at {fact}"
        before = fact["turn"]
    assert before == head.turn.hex()
    assert all(isinstance(waiting.key, LetterKey) for waiting in head.letters)
