"""What rating a session costs: usage from readings, the price by a tariff of ten elements, the CDR.

No node and no database: this is what a session's stop computes before its turn is committed. CPU time of one core, the best of
several rounds; `sessions_per_s` of all three steps together, `rated_per_s` of the price alone.
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
READINGS = (2, 12, 60, 480)
"""A meter that tells begin and end only, the two mixes of the other benches, and a day and a half at one in three minutes."""


def ten_elements() -> dict[str, Any]:
    """Times of day on weekdays, energy bounds, occupancy, a fee, and a price for the rest."""
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


def ratings(seconds: float = 0.3, rounds: int = 5) -> dict[str, Any]:
    """{readings: {usage_us, rate_us, cdr_us, rated_per_s, sessions_per_s}}; each round takes about `seconds` a step."""
    return {f"{count} readings a session": _of(count, seconds, rounds) for count in READINGS}


def _of(count: int, seconds: float, rounds: int) -> dict[str, Any]:
    tariff = parse_tariff(ten_elements())
    points = [Point(START + timedelta(minutes=n + 1), Decimal(1100 + 100 * n)) for n in range(count)]
    end = START + timedelta(minutes=count + 40)
    states = [(START + timedelta(minutes=count + 2), "SuspendedEV")]
    meter = 1000, 1020 + 100 * count
    usage = usage_of(points, states, START, end, *meter)
    rated = rate(tariff, usage, time_zone="Europe/Berlin")
    facts = SessionFacts(session="s", station="S", evse=1, connector=1, start=START, end=end, token=None)
    party = CdrParty("DE", "ABC")
    steps: tuple[Callable[[], object], ...] = (
        lambda: usage_of(points, states, START, end, *meter),
        lambda: rate(tariff, usage, time_zone="Europe/Berlin"),
        lambda: build_cdr(id="c", party=party, facts=facts, tariff=tariff, rated=rated, at=end),
    )
    used = [min(found) for found in zip(*([_cost(step, seconds) for step in steps] for _ in range(rounds)), strict=True)]
    return {
        "usage_us": round(used[0], 1),
        "rate_us": round(used[1], 1),
        "cdr_us": round(used[2], 1),
        "rated_per_s": round(1e6 / used[1]),
        "sessions_per_s": round(1e6 / sum(used)),
    }


def _cost(work: Callable[[], object], seconds: float) -> float:
    """Microseconds of CPU a call."""
    n, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        work()
        n += 1
    return (time.process_time() - begun) / n * 1e6
