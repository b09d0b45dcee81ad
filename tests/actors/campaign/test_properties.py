"""Whatever happens in whatever order: counts add up, nobody is ordered twice at once, the budget holds, and it ends."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as s

from actors.model.campaign import Budget, Wave
from actors.model.intents import CommandFailure, CommandResult
from actors.station.letters import OrderEnded
from tests.actors.campaign.kit import Bench, definition
from tests.kits.examples import examples

OUTCOMES = (
    CommandResult("Accepted"), CommandResult("Rejected"), CommandFailure("timeout", "NotSent"), CommandFailure("unknown"),
    CommandFailure("unsupported"), CommandFailure("error", "InternalError"),
)  # fmt: skip
STATUSES = ("Downloading", "Installing", "Installed", "DownloadFailed", "InvalidSignature", "Booted")
steps = s.lists(
    s.one_of(
        s.tuples(s.just("end"), s.integers(0, 20), s.sampled_from(OUTCOMES)),
        s.tuples(s.just("says"), s.integers(0, 20), s.sampled_from(STATUSES)),
        s.tuples(s.just("control"), s.sampled_from(("pause", "resume", "retry", "cancel")), s.none()),
        s.tuples(s.just("mail"), s.none(), s.none()),
        s.tuples(s.just("late"), s.integers(0, 40), s.sampled_from(OUTCOMES)),
        s.tuples(s.just("fire"), s.sampled_from((0, 60, 700, 5000)), s.none()),
    ),
    max_size=60,
)


@settings(max_examples=examples(200))
@given(
    steps,
    s.integers(1, 12),
    s.integers(1, 5),
    s.integers(1, 3),
    s.one_of(s.none(), s.integers(0, 3)),
    s.one_of(s.none(), s.integers(1, 4)),
)
def test_any_order_of_outcomes_pauses_and_duplicates(
    played: list[tuple[str, object, object]], total: int, at_once: int, attempts: int, budget: int | None, wave: int | None
) -> None:
    """`Bench.tell` checks after every step that counts add up and that nobody is ordered twice at once."""
    allowed = None if budget is None else Budget(count=budget)
    bench = Bench(
        definition(
            total, at_once=at_once, attempts=attempts, budget=allowed, wave_size=wave, retry_wait=60, deadline=3600,
            waves=() if wave else (Wave(),),
        )
    )  # fmt: skip
    bench.start()
    for kind, which, what in played:
        ordered_before = len(bench.orders)
        phase = bench.state.phase
        if kind == "end" and bench.open:
            station = sorted(bench.open)[which % len(bench.open)]  # type: ignore[operator]
            bench.end(station, what)
        elif kind == "says" and bench.orders:
            station = sorted({known for known, _ in bench.orders})[which % len({known for known, _ in bench.orders})]  # type: ignore[operator]
            bench.says(station, str(what), "2.0" if what == "Booted" else None)
        elif kind == "control":
            bench.control(which)
            bench.fire()
        elif kind == "mail":
            bench.deliver()
        elif kind == "late" and bench.orders:
            station, order = bench.orders[which % len(bench.orders)]  # type: ignore[operator]
            newest = next(given for known, given in reversed(bench.orders) if known == station)
            before = bench.state
            if order is not newest:  # the answer to an attempt that is over: it changes nothing
                bench.tell(OrderEnded(order.id, station, what))  # type: ignore[arg-type]
                assert bench.state == before
        elif kind == "fire":
            bench.fire(timedelta(seconds=which))  # type: ignore[arg-type]
        if phase in ("paused", "cancelling", "cancelled") and kind != "control":
            assert len(bench.orders) == ordered_before, "nothing is ordered while it is paused"
        if allowed is not None and bench.state.phase == "running":
            assert bench.state.counts.get("failed", 0) - bench.state.forgiven <= allowed.allows(total)
    for _ in range(400):  # left alone, it comes to an end
        if bench.state.phase in ("ended", "cancelled"):
            break
        if bench.state.phase == "paused":
            bench.control("resume")
        bench.deliver()
        for station in sorted(bench.open):
            bench.end(station, CommandResult("Accepted"))
        bench.fire(timedelta(seconds=4000))
    assert bench.state.phase in ("ended", "cancelled")
    assert not bench.state.active
    assert not [name for name in bench.timers if name.startswith("target/")]
