"""Whatever a session costs, whatever was held and shown, in whatever currency: never more is captured than any of them allows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.model.money import chargeable
from actors.payment import messages as m
from actors.payment.floors import FLOORS, smallest
from tests.actors.payment.bench import DEAL, OPEN, QUOTE, Bench, began, ended
from tests.kits.examples import examples

MINOR = st.integers(min_value=0, max_value=1_000_000)


def charged(gross: int, hold: int, limit: int, currency: str, percent: str = "5") -> Bench:
    bench = Bench(deal=replace(DEAL, commission_percent=percent))
    bench.open(replace(OPEN, order=replace(QUOTE, hold_minor=hold, limit_minor=limit, currency=currency)))
    bench.provider.pay("cs_1")
    bench.webhook()
    bench.tell(m.EvseClaimed(bench.now))
    bench.tell(began())
    bench.tell(ended(gross, currency=currency))
    bench.work()
    return bench


@settings(max_examples=examples(150))
@given(
    gross=MINOR,
    hold=MINOR.filter(bool),
    limit=MINOR.filter(bool),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "HUF", "ISK", "CZK"]),
    percent=st.sampled_from(["0", "5", "12.5", "100"]),
)
def test_never_more_is_captured_than_cost_hold_and_limit(gross: int, hold: int, limit: int, currency: str, percent: str) -> None:
    bench = charged(gross, hold, limit, currency, percent)
    allowed = chargeable(min(gross, hold, limit), currency)
    taken = bench.provider.intents["pi_1"]
    if allowed < smallest(currency):
        assert (bench.state.phase, taken.received_minor, bench.journals) == ("released", 0, {})
        return
    assert bench.state.captured_minor == taken.received_minor == allowed
    assert 0 <= bench.state.fee_minor <= allowed
    sums: dict[tuple[str, str], int] = {}
    for journal in bench.journals.values():
        for entry in journal.entries:
            sign = 1 if entry.side == "debit" else -1
            sums[journal.book, entry.currency] = sums.get((journal.book, entry.currency), 0) + sign * entry.amount_minor
    assert set(sums.values()) <= {0}
    assert {told for _, told in sums} == {currency}


@settings(max_examples=examples(60))
@given(parts=st.lists(st.integers(min_value=1, max_value=900), max_size=12))
def test_refunds_of_any_sizes_never_go_beyond_the_capture_and_end_at_zero(parts: list[int]) -> None:
    bench = charged(1234, 4000, 3700, "EUR")
    for n, amount in enumerate(parts):
        bench.tell(m.RefundPayment(f"r{n}", "op", "asked", amount))
        bench.work()
        assert bench.state.refunded_minor <= 1234
    bench.tell(m.RefundPayment("rest", "op", "all of it"))
    bench.work()
    assert bench.state.refunded_minor == 1234
    left = {key for key, value in bench.balance().items() if key.startswith(("m1:4000", "m1:2300"))}
    assert not left


@pytest.mark.parametrize(("currency", "own", "least"), [("EUR", None, 50), ("EUR", 20, 50), ("EUR", 200, 200), ("XOF", None, 1)])
def test_the_smallest_amount_is_the_currencys_or_the_merchants(currency: str, own: int | None, least: int) -> None:
    assert smallest(currency, own) == least
    assert all(floor > 0 for floor in FLOORS.values())
