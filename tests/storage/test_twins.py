"""PostgreSQL and the twin in memory, fed the same random turns: every verdict and everything readable must agree."""

import random
from datetime import timedelta
from typing import Any

import pytest

from runtime.address import Address
from runtime.store import Recovered, Store, Verdict
from runtime.turn import MAIN, NO_TURN, CheckpointRow, EffectRow, LetterKey, StagedTurn, TimerRow
from storage.database import Database
from storage.memory import MemoryStore
from tests.storage.turns import NOW, fact, letter

pytestmark = pytest.mark.postgres

ACTORS = [Address(tenant, kind, str(n)) for tenant in ("acme", "other") for kind in ("station", "evse") for n in range(2)]
NAMES = ("a", "b", "c")


class Script:
    """Writes turns that are mostly right, and now and then stale, repeated, or about something long gone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.heads: dict[Address, tuple[int, bytes]] = dict.fromkeys(ACTORS, (0, NO_TURN))
        self.past: list[StagedTurn] = []
        self.sent: list[tuple[Address, LetterKey]] = []
        self.timers: dict[tuple[Address, str], Any] = {}

    def batch(self) -> list[StagedTurn]:
        chosen = self.random.sample(ACTORS, self.random.randint(1, len(ACTORS)))
        return [self._turn(actor) for actor in chosen]

    def _turn(self, actor: Address) -> StagedTurn:
        random_ = self.random
        again = [turn for turn in self.past if turn.actor == actor]
        if again and random_.random() < 0.1:
            return random_.choice(again)
        seq, head = self.heads[actor]
        if random_.random() < 0.1:
            seq, head = random_.choice([(seq + 1, head), (max(0, seq - 1), head), (seq, random_.randbytes(16)), (0, NO_TURN)])
        mine = [key for to, key in self.sent if to == actor]
        set_ = [(name, at) for (owner, name), at in self.timers.items() if owner == actor]
        turn = StagedTurn(
            actor=actor, seq=seq, prev_turn=head, turn=random_.randbytes(16), correlation="c",
            at=NOW + timedelta(seconds=random_.randint(-400, 400), days=random_.choice([-900, -1, 0, 0, 0, 1, 40])),
            facts=[fact(n, b'{"n":%d}' % n, bulk=random_.random() < 0.4) for n in range(random_.randint(0, 3))],
            letters=[letter(random_.choice(ACTORS), n) for n in range(random_.randint(0, 2))],
            consumed=random_.choice(mine) if mine and random_.random() < 0.4 else None,
            fired=random_.choice(set_) if set_ and random_.random() < 0.3 else None,
            timers=[self._timer() for _ in range(random_.randint(0, 2))],
            effects=[
                EffectRow(random_.choice(NAMES), random_.choices(["once", "redeliver", "wrong"], [9, 9, 1])[0], "t", b"x", None)
                for _ in range(random_.randint(0, 1))
            ],
            settled=[(random_.choice(NAMES), "done") for _ in range(random_.randint(0, 1))],
            checkpoint=CheckpointRow(1, b'{"at":%d}' % seq) if random_.random() < 0.15 else None,
        )  # fmt: skip
        self.past.append(turn)
        return turn

    def _timer(self) -> TimerRow:
        at = NOW + timedelta(seconds=self.random.randint(0, 50)) if self.random.random() < 0.8 else None
        return TimerRow(self.random.choice(NAMES), at, b"{}")

    def learn(self, turn: StagedTurn, verdict: Verdict) -> None:
        """Believe what was committed; what was consumed or fired is kept in mind, to be tried again."""
        if verdict is not Verdict.COMMITTED or turn.seq < self.heads[turn.actor][0]:
            return
        self.heads[turn.actor] = (turn.seq + 1, turn.turn)
        self.sent += [(part.to, LetterKey(turn.actor, turn.seq + 1, part.n)) for part in turn.letters]
        self.timers.update({(turn.actor, part.name): part.at for part in turn.timers if part.at is not None})


@pytest.mark.parametrize("seed", range(4))
async def test_both_answer_the_same_to_random_turns(database: Database, seed: int) -> None:
    print(f"seed {seed}")
    script, memory, postgres = Script(seed), MemoryStore(), database.store
    seen: set[Verdict] = set()
    for _ in range(80):
        turns = script.batch()
        expected = [outcome.verdict for outcome in await memory.commit(MAIN, turns)]
        assert [outcome.verdict for outcome in await postgres.commit(MAIN, turns)] == expected
        for turn, verdict in zip(turns, expected, strict=True):
            script.learn(turn, verdict)
        seen |= set(expected)
        assert await _all_of(postgres) == await _all_of(memory)
    assert seen == set(Verdict)


async def _all_of(store: Store) -> dict[str, Any]:
    later = NOW + timedelta(days=1000)
    timers = await store.due_timers(later, 1000)
    return {
        "states": [_plain(state) for state in await store.recover(ACTORS, claim=False)],
        "histories": [list(await store.full_history(actor)) for actor in ACTORS],
        "letters": {(waiting.to, waiting.key) for waiting in await store.waiting_letters(later, 1000)},
        "timers": sorted((timer.actor, timer.name, timer.at) for timer in timers),
        "order": [timer.at for timer in timers],
        "next": await store.next_timer(),
    }


def _plain(state: Recovered) -> tuple[Any, ...]:
    """Letters of one batch have no order among different senders; effects none among equal times."""
    return (
        state.seq, state.turn, state.checkpoint_seq, state.checkpoint, list(state.facts),
        sorted((waiting.key.sender, waiting.key.from_seq, waiting.key.n) for waiting in state.letters),
        sorted(effect.id for effect in state.effects),
    )  # fmt: skip
