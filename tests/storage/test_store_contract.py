"""What every store promises the runtime: one suite for PostgreSQL and for the twin in memory."""

from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio

from actors.model.rows import AuditRow, Entry, JournalRow, TokenRow
from runtime.address import Address
from runtime.store import DeadLetter, Outcome, Store, Verdict
from runtime.turn import (
    MAIN,
    NO_TURN,
    CheckpointRow,
    EffectRow,
    LetterKey,
    StagedTurn,
    TimerRow,
)
from storage.memory import MemoryStore
from storage.open import open_database
from tests.storage.turns import ALICE, BOB, CAROL, NOW, Writer, fact, letter

COMMITTED, CONFLICT, GONE, REJECTED = Verdict.COMMITTED, Verdict.CONFLICT, Verdict.GONE, Verdict.REJECTED


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opener(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":

        @asynccontextmanager
        async def open_memory() -> Any:
            yield MemoryStore()

        yield open_memory
        return
    dsn = request.getfixturevalue("fresh_dsn")

    @asynccontextmanager
    async def open_postgres() -> Any:
        async with open_database(dsn, migrating=False) as database:
            yield database.store

    yield open_postgres


@pytest.fixture
async def store(opener: Any) -> Any:
    async with opener() as opened:
        yield opened


async def commit(store: Store, *turns: StagedTurn) -> list[Verdict]:
    return [outcome.verdict for outcome in await store.commit(MAIN, turns)]


async def write(store: Store, writer: Writer, **parts: Any) -> StagedTurn:
    """One more turn of this writer, which must win."""
    turn = writer.turn(**parts)
    assert await commit(store, turn) == [COMMITTED]
    writer.won(turn)
    return turn


# The fence


async def test_an_actor_that_never_committed_starts_from_nothing(store: Store) -> None:
    [found] = await store.recover([ALICE], claim=True)
    assert (found.seq, found.turn, found.checkpoint, list(found.facts)) == (0, NO_TURN, None, [])


async def test_what_was_committed_comes_back_in_order_with_bulk_facts_merged_in(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, facts=[fact(0, b'{"a":"\\u0000"}'), fact(1, b'{"m":1}', bulk=True), fact(2)])
    last = await write(store, writer, facts=[fact(0, b'{"m":2}', bulk=True)])
    [found] = await store.recover([ALICE], claim=False)
    assert (found.seq, found.turn) == (2, last.turn)
    assert [(stored.seq, stored.row.n, stored.row.bulk) for stored in found.facts] == [
        (1, 0, False), (1, 1, True), (1, 2, False), (2, 0, True),
    ]  # fmt: skip
    assert found.facts[0].row.body == b'{"a":"\\u0000"}'
    assert found.facts[0].row == fact(0, b'{"a":"\\u0000"}')
    assert list(await store.full_history(ALICE)) == list(found.facts)


async def test_of_two_turns_on_the_same_head_one_wins_and_the_other_leaves_nothing(store: Store) -> None:
    first, second = Writer(ALICE, seed=1), Writer(ALICE, seed=2)
    await write(store, first, facts=[fact()])
    late = second.turn(facts=[fact(0, b'{"late":true}')], letters=[letter(BOB)])
    assert await commit(store, late) == [CONFLICT]
    second.seq, second.head = 1, b"somebody else's!"
    stranger = second.turn(facts=[fact(0, b'{"late":true}')], letters=[letter(BOB)])
    assert await commit(store, stranger) == [CONFLICT]
    [alice, bob] = await store.recover([ALICE, BOB], claim=False)
    assert alice.seq == 1
    assert [stored.row for stored in alice.facts] == [fact()]
    assert not bob.letters


async def test_a_turn_submitted_again_answers_committed_and_writes_nothing_twice(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, facts=[fact()])
    again = writer.turn(facts=[fact()], letters=[letter(BOB)], timers=[TimerRow("t", NOW, b"{}")])
    assert await commit(store, again) == [COMMITTED]
    assert await commit(store, again) == [COMMITTED]
    [alice, bob] = await store.recover([ALICE, BOB], claim=False)
    assert (alice.seq, len(alice.facts), len(bob.letters)) == (2, 2, 1)


async def test_a_resubmitted_turn_that_consumed_its_letter_is_committed_not_gone(store: Store) -> None:
    sender, receiver = Writer(ALICE), Writer(BOB)
    await write(store, sender, letters=[letter(BOB)])
    turn = receiver.turn(consumed=LetterKey(ALICE, 1, 0), facts=[fact()])
    assert await commit(store, turn) == [COMMITTED]
    assert await commit(store, turn) == [COMMITTED]


async def test_a_first_turn_that_expects_a_later_head_conflicts(store: Store) -> None:
    writer = Writer(ALICE)
    writer.seq, writer.head = 7, b"sixteen bytes id"
    assert await commit(store, writer.turn(facts=[fact()])) == [CONFLICT]
    assert (await store.recover([ALICE], claim=False))[0].seq == 0


async def test_in_one_batch_losers_cost_winners_nothing(store: Store) -> None:
    ahead = Writer(BOB, seed=9)
    await write(store, ahead, facts=[fact()])
    alice, stale, carol = Writer(ALICE), Writer(BOB), Writer(CAROL)
    turns = [
        carol.turn(facts=[fact()], letters=[letter(ALICE, 0)], rows=[_audit("carol")]),
        stale.turn(facts=[fact(0, b'{"stale":1}')], letters=[letter(ALICE, 0)], rows=[_audit("stale")]),
        alice.turn(facts=[fact()], timers=[TimerRow("t", NOW, b"{}")]),
    ]
    assert await commit(store, *turns) == [COMMITTED, CONFLICT, COMMITTED]
    [found_alice, found_bob, found_carol] = await store.recover([ALICE, BOB, CAROL], claim=False)
    assert (found_alice.seq, found_bob.seq, found_carol.seq) == (1, 1, 1)
    assert [waiting.key for waiting in found_alice.letters] == [LetterKey(CAROL, 1, 0)]
    assert [stored.row for stored in found_bob.facts] == [fact()]


def _audit(who: str) -> AuditRow:
    return AuditRow(tenant="acme", at=NOW, who=who, action="test", subject="it", detail={})


# Letters


async def test_a_letter_waits_until_a_turn_of_its_receiver_consumes_it_once(store: Store) -> None:
    sender, receiver = Writer(ALICE), Writer(BOB)
    await write(store, sender, letters=[letter(BOB, 0, b'{"n":0}'), letter(BOB, 1, b'{"n":1}')])
    [found] = await store.recover([BOB], claim=False)
    assert found.seq == 0
    assert [(waiting.key, waiting.to, waiting.body) for waiting in found.letters] == [
        (LetterKey(ALICE, 1, 0), BOB, b'{"n":0}'),
        (LetterKey(ALICE, 1, 1), BOB, b'{"n":1}'),
    ]
    await write(store, receiver, consumed=LetterKey(ALICE, 1, 0), facts=[fact()])
    twice = receiver.turn(consumed=LetterKey(ALICE, 1, 0), facts=[fact(0, b'{"twice":1}')], letters=[letter(CAROL)])
    assert await commit(store, twice) == [GONE]
    [found, carol] = await store.recover([BOB, CAROL], claim=False)
    assert (found.seq, len(found.facts), len(found.letters), len(carol.letters)) == (1, 1, 1, 0)


async def test_a_stale_head_with_a_consumed_letter_is_a_conflict_not_gone(store: Store) -> None:
    sender, receiver = Writer(ALICE), Writer(BOB)
    await write(store, sender, letters=[letter(BOB)])
    stale = Writer(BOB, seed=5)
    await write(store, receiver, consumed=LetterKey(ALICE, 1, 0))
    assert await commit(store, stale.turn(consumed=LetterKey(ALICE, 1, 0))) == [CONFLICT]


async def test_a_letter_that_never_was_is_gone_even_for_a_first_turn(store: Store) -> None:
    receiver = Writer(BOB)
    assert await commit(store, receiver.turn(consumed=LetterKey(ALICE, 1, 0), facts=[fact()])) == [GONE]
    assert (await store.recover([BOB], claim=False))[0].seq == 0


async def test_the_sweep_sees_only_old_letters_oldest_first(store: Store) -> None:
    alice, carol = Writer(ALICE), Writer(CAROL)
    await write(store, alice, at=NOW - timedelta(minutes=2), letters=[letter(BOB)])
    await write(store, carol, at=NOW - timedelta(minutes=1), letters=[letter(BOB), letter(ALICE, 1)])
    await write(store, alice, at=NOW, letters=[letter(BOB)])
    swept = await store.waiting_letters(NOW - timedelta(seconds=30), 10)
    assert [(waiting.to, waiting.key) for waiting in swept] == [
        (BOB, LetterKey(ALICE, 1, 0)), (BOB, LetterKey(CAROL, 1, 0)), (ALICE, LetterKey(CAROL, 1, 1)),
    ]  # fmt: skip
    assert len(await store.waiting_letters(NOW, 2)) == 2


# Timers


async def test_a_timer_is_due_fires_once_and_may_set_itself_again(store: Store) -> None:
    writer = Writer(ALICE)
    later = NOW + timedelta(hours=1)
    assert await store.next_timer() is None
    await write(store, writer, timers=[TimerRow("a", NOW, b'{"a":1}'), TimerRow("b", later, b"{}")])
    assert await store.next_timer() == NOW
    [due] = await store.due_timers(NOW, 10)
    assert (due.actor, due.name, due.at, due.body) == (ALICE, "a", NOW, b'{"a":1}')
    await write(store, writer, fired=("a", NOW), timers=[TimerRow("a", later, b"{}")])
    assert await commit(store, writer.turn(fired=("a", NOW))) == [GONE]
    assert await store.due_timers(NOW, 10) == []
    assert [due.name for due in await store.due_timers(later, 10)] in (["a", "b"], ["b", "a"])


async def test_setting_a_timer_moves_it_and_cancelling_ends_it(store: Store) -> None:
    writer = Writer(ALICE)
    moved = NOW + timedelta(seconds=5)
    await write(store, writer, timers=[TimerRow("a", NOW, b"{}"), TimerRow("a", moved, b'{"m":1}')])
    assert await store.next_timer() == moved
    assert await commit(store, writer.turn(fired=("a", NOW))) == [GONE]
    await write(store, writer, timers=[TimerRow("a", None, b""), TimerRow("never", None, b"")])
    assert await store.next_timer() is None


# Constraints


async def test_a_turn_that_breaks_a_constraint_fails_alone_and_says_why(store: Store) -> None:
    alice, bob, carol = Writer(ALICE), Writer(BOB), Writer(CAROL)
    bad = EffectRow("e", "neither", "mail", b"", None)
    turns = [
        alice.turn(facts=[fact()], letters=[letter(BOB)]),
        bob.turn(facts=[fact()], effects=[bad]),
        carol.turn(facts=[fact()]),
    ]
    outcomes: list[Outcome] = list(await store.commit(MAIN, turns))
    assert [outcome.verdict for outcome in outcomes] == [COMMITTED, REJECTED, COMMITTED]
    assert outcomes[1].reason
    [a, b, c] = await store.recover([ALICE, BOB, CAROL], claim=False)
    assert (a.seq, b.seq, c.seq, len(b.facts), len(b.letters)) == (1, 0, 1, 0, 1)
    await write(store, bob, facts=[fact()])


async def test_an_unbalanced_journal_rejects_its_turn_only(store: Store) -> None:
    alice, bob = Writer(ALICE), Writer(BOB)
    entries = (Entry("2100", "debit", 100, "EUR"), Entry("4000", "credit", 99, "EUR"))
    journal = JournalRow(tenant="acme", id="j1", book="acme", ref="r", at=NOW, entries=entries)
    outcomes = await store.commit(
        "money", [alice.turn(facts=[fact()], rows=[journal]), bob.turn(facts=[fact()], rows=[_audit("bob")])]
    )
    assert [outcome.verdict for outcome in outcomes] == [REJECTED, COMMITTED]
    assert "balance" in outcomes[0].reason


async def test_a_row_of_an_unknown_class_rejects_its_turn_only(store: Store) -> None:
    alice, bob = Writer(ALICE), Writer(BOB)
    outcomes = await store.commit(MAIN, [alice.turn(rows=[object()]), bob.turn(facts=[fact()])])
    assert [outcome.verdict for outcome in outcomes] == [REJECTED, COMMITTED]


async def test_a_poisoned_batch_submitted_again_answers_the_same(store: Store) -> None:
    alice, bob = Writer(ALICE), Writer(BOB)
    turns = [alice.turn(facts=[fact()]), bob.turn(rows=[object()])]
    assert await commit(store, *turns) == [COMMITTED, REJECTED]
    assert await commit(store, *turns) == [COMMITTED, REJECTED]
    assert len((await store.recover([ALICE], claim=False))[0].facts) == 1


async def test_a_row_may_hold_any_text_and_appear_twice_in_a_turn(store: Store) -> None:
    writer = Writer(ALICE)
    row = TokenRow(tenant="acme", ref="t_1", type="ISO14443", status="Accepted", masked="04\0A2…81")
    await write(store, writer, rows=[row, row, _audit("nul \0")])


# Checkpoints


async def test_recovery_starts_from_the_checkpoint_and_reads_the_facts_after_it(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, facts=[fact(0, b'{"n":1}')])
    await write(store, writer, facts=[fact(0, b'{"n":2}')], checkpoint=CheckpointRow(3, b'{"state":2}'))
    await write(store, writer, at=NOW - timedelta(days=400), facts=[fact(0, b'{"n":3}')])
    await write(store, writer, at=NOW + timedelta(days=400), facts=[fact(0, b'{"n":4}', bulk=True)])
    [found] = await store.recover([ALICE], claim=True)
    assert (found.seq, found.checkpoint_seq, found.checkpoint) == (4, 2, CheckpointRow(3, b'{"state":2}'))
    assert [stored.row.body for stored in found.facts] == [b'{"n":3}', b'{"n":4}']
    assert [stored.seq for stored in await store.full_history(ALICE)] == [1, 2, 3, 4]
    await write(store, writer, checkpoint=CheckpointRow(3, b'{"state":5}'))
    [found] = await store.recover([ALICE], claim=True)
    assert (found.seq, found.checkpoint_seq, list(found.facts)) == (5, 5, [])


async def test_many_actors_are_recovered_in_the_order_asked_for(store: Store) -> None:
    writers = [Writer(Address("acme", "evse", f"s#{n}")) for n in range(700)]
    turns = [writer.turn(facts=[fact(0, b'{"n":%d}' % n)]) for n, writer in enumerate(writers)]
    assert set(await commit(store, *turns)) == {COMMITTED}
    asked = [writer.actor for writer in reversed(writers)] + [CAROL]
    found = await store.recover(asked, claim=True)
    assert [state.facts[0].row.body for state in found[:-1]] == [b'{"n":%d}' % n for n in reversed(range(700))]
    assert found[-1].seq == 0


async def test_an_address_that_no_database_can_hold_harms_nobody_beside_it(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, facts=[fact()])
    odd = [Address("acme", "station", "nul\0"), Address("acme", "station", "half \ud800")]
    found = await store.recover([odd[0], ALICE, odd[1]], claim=True)
    assert [state.seq for state in found] == [0, 1, 0]


# The outbox


def _effect(effect_id: str, klass: str = "redeliver", topic: str = "mail") -> EffectRow:
    return EffectRow(effect_id, klass, topic, b"\x00\xffbody", NOW + timedelta(hours=1))


async def test_an_effect_is_leased_to_one_worker_and_comes_back_when_the_lease_ends(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, effects=[_effect("e1"), _effect("e2", topic="ocpi"), _effect("e3", "once")])
    [item] = await store.take_outbox(["mail", "call"], 10, lease=60.0)
    assert (item.actor, item.effect, item.attempt) == (ALICE, _effect("e1"), 1)
    assert await store.take_outbox(["mail"], 10, lease=60.0) == []
    await store.retry_outbox(ALICE, "e1", datetime.now(UTC) - timedelta(seconds=1), "refused \0")
    [item] = await store.take_outbox(["mail"], 10, lease=0.0)
    assert item.attempt == 2
    [item] = await store.take_outbox(["mail"], 10, lease=60.0)
    assert item.attempt == 3


async def test_workers_at_once_never_share_an_effect(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, effects=[_effect(f"e{n}", topic=("mail", "ocpi")[n % 2]) for n in range(40)])
    taken: list[str] = []

    async def work() -> None:
        while items := await store.take_outbox(["mail", "ocpi"], 7, lease=60.0):
            taken.extend(item.effect.id for item in items)

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(work)
    assert sorted(taken) == sorted(f"e{n}" for n in range(40))


async def test_a_settled_effect_is_never_taken_again(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, effects=[_effect("e1"), _effect("o1", "once")])
    assert [effect.id for effect in (await store.recover([ALICE], claim=False))[0].effects] == ["o1"]
    await write(store, writer, settled=[("e1", "done"), ("o1", "unknown"), ("none", "done")])
    assert await store.take_outbox(["mail"], 10, lease=60.0) == []
    assert list((await store.recover([ALICE], claim=False))[0].effects) == []


async def test_the_same_effect_staged_twice_is_one(store: Store) -> None:
    writer = Writer(ALICE)
    await write(store, writer, effects=[_effect("e1")])
    await write(store, writer, effects=[_effect("e1")])
    assert len(await store.take_outbox(["mail"], 10, lease=60.0)) == 1


# Dead letters


def _dead(n: int, tenant: str = "acme") -> DeadLetter:
    return DeadLetter(
        id=f"d{n}", actor=Address(tenant, "station", "a/b"), at=NOW + timedelta(seconds=n), message_type="Boot",
        body=b"\x00raw", fingerprint="f", error="boom \0", traceback="...", correlation="c",
    )  # fmt: skip


async def test_dead_letters_are_kept_once_listed_newest_first_and_settled_once(store: Store) -> None:
    for n in (1, 2, 3, 3):
        await store.bury(_dead(n))
    await store.bury(_dead(4, "other"))
    page, cursor = await store.dead_letters("acme", None, 2, None)
    assert [dead.id for dead in page] == ["d3", "d2"]
    rest, end = await store.dead_letters("acme", None, 2, cursor)
    assert ([dead.id for dead in rest], end) == (["d1"], None)
    assert [dead.id for dead in (await store.dead_letters(None, "open", 10, None))[0]] == ["d4", "d3", "d2", "d1"]
    assert await store.settle_dead_letter("d2", "replayed")
    assert not await store.settle_dead_letter("d2", "discarded")
    assert not await store.settle_dead_letter("nobody", "discarded")
    found = await store.dead_letter("d2")
    assert found is not None
    assert (found.state, found.actor, found.body) == ("replayed", Address("acme", "station", "a/b"), b"\x00raw")
    assert await store.dead_letter("nobody") is None


# What people look at


async def test_timers_are_listed_by_tenant_or_actor_the_next_first_in_pages(store: Store) -> None:
    at = [NOW + timedelta(minutes=n) for n in range(4)]
    await write(store, Writer(ALICE), timers=[TimerRow("late", at[3], b'{"type":"x"}'), TimerRow("soon", at[0], b"{}")])
    await write(store, Writer(BOB), timers=[TimerRow("mid", at[1], b"{}")])
    await write(store, Writer(CAROL), timers=[TimerRow("other", at[2], b"{}")])
    first, following = await store.list_timers("acme", None, 2, None)
    assert [(timer.actor, timer.name, timer.at) for timer in first] == [(ALICE, "soon", at[0]), (BOB, "mid", at[1])]
    last, end = await store.list_timers("acme", None, 2, following)
    assert ([timer.name for timer in last], end) == (["late"], None)
    assert [timer.name for timer in (await store.list_timers(None, None, 9, None))[0]] == ["soon", "mid", "other", "late"]
    assert [timer.name for timer in (await store.list_timers(None, ALICE, 9, None))[0]] == ["soon", "late"]
    assert (await store.list_timers("other", ALICE, 9, None))[0] == (await store.list_timers(None, ALICE, 9, None))[0]


async def test_what_waits_for_an_actor_is_listed_oldest_first(store: Store) -> None:
    writer = Writer(ALICE)
    effect = EffectRow("e1", "redeliver", "mail", b"x", None)
    await write(store, writer, letters=[letter(BOB, 0, b'{"type":"first"}')], effects=[effect], at=NOW)
    await write(store, writer, letters=[letter(BOB, 0, b'{"type":"second"}')])
    waiting = await store.obligations(BOB, 10)
    assert [(row.key.sender, row.key.from_seq, row.body) for row in waiting.letters] == [
        (ALICE, 1, b'{"type":"first"}'), (ALICE, 2, b'{"type":"second"}'),
    ]  # fmt: skip
    assert len((await store.obligations(BOB, 1)).letters) == 1
    [open_effect] = (await store.obligations(ALICE, 10)).effects
    assert (open_effect.effect, open_effect.attempt, open_effect.error) == (effect, 0, None)
    await store.take_outbox(["mail"], 1, 60)
    await store.retry_outbox(ALICE, "e1", NOW, "no route")
    [open_effect] = (await store.obligations(ALICE, 10)).effects
    assert (open_effect.attempt, open_effect.due, open_effect.error) == (1, NOW, "no route")
    assert not (await store.obligations(CAROL, 10)).effects
