"""The small parts on their own: mailbox, deadline wheel, prepare's first step, clock, counters, addresses."""

import random
from datetime import timedelta
from typing import ClassVar

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from runtime.address import Address
from runtime.clock import ManualClock, SystemClock
from runtime.mailbox import Envelope, Mailbox
from runtime.prepare import Waiting, first_step
from runtime.stats import Histogram
from runtime.wheel import Wheel
from tests.runtime.kit import START

# -- mailbox


class Plain(msgspec.Struct):
    n: int


class Latest(msgspec.Struct):
    """Supersedes itself."""

    overflow: ClassVar[str] = "drop_old"
    n: int


class Noise(msgspec.Struct):
    overflow: ClassVar[str] = "drop_new"
    n: int


def queued(mailbox):
    return [(type(e.message).__name__, e.message.n) for e in mailbox.user]


def test_a_full_mailbox_rejects_by_default():
    mailbox = Mailbox(2)
    assert [mailbox.put(Envelope(Plain(n))) for n in range(3)] == [True, True, False]
    assert queued(mailbox) == [("Plain", 0), ("Plain", 1)]
    assert mailbox.dropped == 1


def test_a_class_that_supersedes_itself_makes_room_among_its_own_only():
    mailbox = Mailbox(3)
    mailbox.put(Envelope(Latest(1)))
    mailbox.put(Envelope(Plain(2)))
    mailbox.put(Envelope(Latest(3)))
    assert mailbox.put(Envelope(Latest(4)))
    assert queued(mailbox) == [("Plain", 2), ("Latest", 3), ("Latest", 4)]
    assert not mailbox.put(Envelope(Noise(5)))
    full = Mailbox(1)
    full.put(Envelope(Plain(1)))
    assert not full.put(Envelope(Latest(2)))  # none of its own to drop


def test_what_is_durable_or_asked_for_is_never_dropped_for_something_newer():
    mailbox = Mailbox(1)
    mailbox.put(Envelope(Latest(1), fired=("t", START)))
    assert not mailbox.put(Envelope(Latest(2)))


def test_the_system_lane_is_bounded_too():
    mailbox = Mailbox(1)
    assert [mailbox.put_system("x", 2) for _ in range(3)] == [True, True, False]


async def test_a_parked_reader_is_woken_by_either_lane_and_cancellation_leaves_nothing(autojump_clock):
    mailbox = Mailbox(5)
    woken = []

    async def read():
        while True:
            await mailbox.wait()
            woken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.sleep(1)
        mailbox.put(Envelope(Plain(1)))
        await trio.sleep(1)
        mailbox.put_system("x", 5)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert woken == [1, 2]
    assert mailbox.task is None
    mailbox.put(Envelope(Plain(2)))


# -- wheel


class Entry:
    def __init__(self, log):
        self.bucket = -1
        self.log = log

    def expire(self):
        self.log.append(trio.current_time())


async def test_entries_expire_in_their_tick_never_early(autojump_clock):
    wheel, log = Wheel(0.5), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wheel.run)
        await trio.sleep(0.1)
        for at in (7.3, 2.0, 2.2, 60.0):
            wheel.add(Entry(log), at)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert log == [2.0, 2.5, 7.5, 60.0]
    assert len(wheel) == 0


async def test_a_discarded_entry_costs_nothing_later(autojump_clock):
    wheel, log = Wheel(0.5), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wheel.run)
        entries = [Entry(log) for _ in range(1000)]
        for entry in entries:
            wheel.add(entry, 5.0)
        for entry in entries:
            wheel.discard(entry)
        wheel.discard(entries[0])
        assert len(wheel) == 0
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert log == []


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=60), st.integers(0, 10_000))
def test_every_entry_expires_exactly_once_unless_discarded(plan, seed):
    rng = random.Random(seed)
    wheel, expired = Wheel(0.25), {}

    class Marked(Entry):
        def __init__(self, n, at):
            super().__init__([])
            self.n, self.at = n, at

        def expire(self):
            expired.setdefault(self.n, []).append(trio.current_time())

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wheel.run)
            entries = []
            for n, (after, _) in enumerate(plan):
                entry = Marked(n, trio.current_time() + after)
                wheel.add(entry, entry.at)
                entries.append(entry)
                if rng.random() < 0.3:
                    await trio.sleep(rng.random())
            dropped = set()
            for entry, (_, drop) in zip(entries, plan, strict=True):
                if drop and entry.n not in expired:
                    wheel.discard(entry)
                    dropped.add(entry.n)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
            for entry in entries:
                times = expired.get(entry.n, [])
                assert len(times) == (0 if entry.n in dropped else 1)
                for time in times:
                    assert 0 <= time - entry.at <= 0.25 + 1e-9

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


# -- prepare


async def test_a_prepare_that_never_waits_costs_no_scope():
    async def instant():
        return 7

    assert first_step(instant()) == 7

    async def broken():
        raise KeyError("x")

    with pytest.raises(KeyError):
        first_step(broken())


async def test_a_prepare_that_waits_goes_on_where_it_was(autojump_clock):
    async def slow():
        await trio.sleep(1)
        try:
            await trio.to_thread.run_sync(lambda: 1 / 0)
        except ZeroDivisionError:
            await trio.sleep(1)
        return "through"

    waiting = first_step(slow())
    assert type(waiting) is Waiting
    assert await waiting.rest(trio.CancelScope()) == "through"


async def test_a_waiting_prepare_can_be_broken_off_and_cleans_up(autojump_clock):
    log = []

    async def slow():
        try:
            await trio.sleep_forever()
        finally:
            log.append("cleaned")

    scope = trio.CancelScope(deadline=trio.current_time() + 3)
    waiting = first_step(slow())
    assert await waiting.rest(scope) is None
    assert scope.cancelled_caught
    assert log == ["cleaned"]
    assert trio.current_time() == 3


async def test_a_prepare_with_a_scope_of_its_own_runs_under_that(autojump_clock):
    async def careful():
        with trio.move_on_after(2):
            await trio.sleep_forever()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 1)
        return trio.current_time()

    waiting = first_step(careful())
    assert await waiting.rest(trio.CancelScope()) == 3


# -- the rest


async def test_the_manual_clock_moves_with_trios_time_or_by_hand(autojump_clock):
    clock = ManualClock(START)
    assert clock.now() == START
    await trio.sleep(90)
    assert clock.now() == START + timedelta(seconds=90)
    clock.advance(3600)
    assert clock.now() == START + timedelta(seconds=3690)
    assert clock.monotonic() == trio.current_time()


async def test_the_system_clock_is_aware_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200))
def test_a_quantile_is_at_most_twice_off(values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(0, -(-len(values) // 2) - 1)]
    assert exact <= histogram.quantile(0.5) <= max(0, 2 * exact)
    assert histogram.describe()["sum"] == sum(values)


def test_an_address_reads_back_also_with_slashes_in_its_id():
    address = Address("acme", "station", "DE/7/x")
    assert Address.parse(str(address)) == address
    for wrong in ("", "acme", "acme/station", "acme//x", "/station/x"):
        with pytest.raises(ValueError, match="tenant/kind/id"):
            Address.parse(wrong)
