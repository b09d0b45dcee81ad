"""How fast a session's stop is rated: `python -m tests.actors.model.measure_rating` (no test, prints figures).

A tariff of ten elements with times of day, weekdays, energy bounds and occupancy, on sessions with few and many
readings. The hot path of a stop is usage_of, rate and build_cdr.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from actors.model.cdr import CdrParty, SessionFacts, build_cdr
from actors.model.rating import rate
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Point, usage_of

START = datetime(2026, 3, 3, 6, 30, tzinfo=UTC)
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


def ten_elements() -> dict[str, Any]:
    elements: list[dict[str, Any]] = [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.3 + n / 100, "vat": 19, "step_size": 1},
                {"type": "PARKING_TIME", "price": 3 + n, "vat": 19, "step_size": 60},
            ],
            "restrictions": {
                "start_time": f"{n * 3:02}:00",
                "end_time": f"{(n * 3 + 3) % 24:02}:00",
                "day_of_week": DAYS,
                **({"min_kwh": n * 2} if n % 3 == 1 else {}),
            },
        }
        for n in range(8)
    ]
    elements.append({"price_components": [{"type": "FLAT", "price": 0.5, "vat": 19, "step_size": 1}]})
    elements.append({"price_components": [{"type": "ENERGY", "price": 0.2, "vat": 7, "step_size": 1}]})
    return {"currency": "EUR", "elements": elements}


def micros(work: Callable[[], object], seconds: float = 0.5) -> float:
    """Median of five, in microseconds of CPU."""
    runs = []
    for _ in range(5):
        n, begin = 0, time.process_time()
        while time.process_time() - begin < seconds / 5:
            work()
            n += 1
        runs.append((time.process_time() - begin) / n * 1e6)
    return sorted(runs)[2]


def main() -> None:
    tariff = parse_tariff(ten_elements())
    print("readings  usage_of us  rate us  build_cdr us  sessions/s")
    for count in (2, 10, 60, 480):
        points = [Point(START + timedelta(minutes=n + 1), Decimal(1100 + 100 * n)) for n in range(count)]
        end = START + timedelta(minutes=count + 40)
        states = [(START + timedelta(minutes=count + 2), "SuspendedEV")]
        usage = usage_of(points, states, START, end, 1000, 1020 + 100 * count)
        rated = rate(tariff, usage, time_zone="Europe/Berlin")
        facts = SessionFacts(session="s", station="S", evse=1, connector=1, start=START, end=end, token=None)
        party = CdrParty("DE", "ABC")
        one = micros(lambda p=points, s=states, e=end, c=count: usage_of(p, s, START, e, 1000, 1020 + 100 * c))
        two = micros(lambda u=usage: rate(tariff, u, time_zone="Europe/Berlin"))
        three = micros(lambda f=facts, r=rated, e=end: build_cdr(id="c", party=party, facts=f, tariff=tariff, rated=r, at=e))
        print(f"{count:8}  {one:11.0f}  {two:7.0f}  {three:12.0f}  {1e6 / (one + two + three):10.0f}")


if __name__ == "__main__":
    main()
