"""Occupancy is paid for only while the vehicle no longer asks for power: never while the station or the grid withholds it, and
never while it charges (MONEY 2.2). Held against a walk second by second that knows nothing of periods."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.model.ids import payment_address
from actors.model.rating import rate
from actors.model.tariff import fingerprint
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import usage_of
from actors.payment.messages import SessionEnded
from actors.ports import TariffCard
from tests.actors.kit import T0
from tests.actors.session.test_payer import Session, verdict
from tests.actors.session.test_start_points import begin, end
from tests.kits.examples import examples

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
BODY = {
    "country_code": "DE", "party_id": "ACM", "id": "occ", "currency": "EUR", "tax_included": "YES",
    "elements": [{"price_components": [{"type": "PARKING_TIME", "price": 6.00, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}  # fmt: skip
TARIFF = parse_tariff(BODY)
PER_SECOND = Decimal(6) / 3600
STATES = ("EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE", "Idle")
HOUR = 3600

courses = st.lists(st.tuples(st.integers(-600, HOUR - 1), st.sampled_from(STATES)), max_size=12)


def walked(course: list[tuple[int, str]]) -> int:
    """Seconds that may be billed."""
    told = sorted(course, key=lambda state: state[0])
    current, charged, seconds = "", False, 0
    for second in range(min([0, *(at for at, _ in told)]), HOUR):
        for at, state in told:
            if at == second:
                current = state
                charged = charged or state in ("Charging", "SuspendedEV", "SuspendedEVSE")
        if second >= 0 and (current == "SuspendedEV" or (charged and current in ("EVConnected", "Idle"))):
            seconds += 1
    return seconds


@settings(max_examples=examples(200))
@given(courses, st.integers(0, 40_000))
@example([(0, "Charging"), (600, "SuspendedEVSE")], 10_000)
@example([(0, "SuspendedEVSE"), (1800, "SuspendedEV"), (2400, "SuspendedEVSE")], 0)
def test_withheld_power_costs_no_occupancy_whatever_the_course(course: list[tuple[int, str]], wh: int) -> None:
    states = [(START + timedelta(seconds=at), state) for at, state in course]
    usage = usage_of([], states, START, START + timedelta(seconds=HOUR), 0, wh)
    rated = rate(TARIFF, usage, time_zone="UTC")
    allowed = (PER_SECOND * walked(course) * 100).quantize(Decimal(1), rounding="ROUND_HALF_UP")
    assert rated.cost.incl.amount_minor <= allowed
    if all(at > 0 for at, _ in course):
        assert rated.cost.incl.amount_minor == allowed, "and what may be billed is"
    if all(state == "SuspendedEVSE" for _, state in course):
        assert rated.cost.incl.amount_minor == 0


def test_a_charge_that_the_grid_held_back_for_an_hour_is_billed_without_it() -> None:
    """The whole session: 20 min of charging, 60 withheld, 10 finished; 6.00 an hour."""
    session = Session(TariffCard("acme", "occ", 1, T0, fingerprint(BODY), "EUR", BODY))
    judged = verdict(limit=5000)
    session.event("Started", 0, 0, judged, charging_state="Charging", readings=begin())
    session.event("Updated", 1, 20, charging_state="SuspendedEVSE")
    session.event("Updated", 2, 80, charging_state="SuspendedEV")
    session.event("Ended", 3, 90, charging_state="Idle", readings=end(90))
    (ended,) = session.heard(SessionEnded, payment_address("acme", "p1"))
    assert ended.cost.incl.amount_minor == 100, "ten minutes, not seventy"
