"""How many examples a property is shown, and how they are drawn.

The suite decides whether a change is kept, so that it draws the same examples everywhere and knows no deadline: a machine
that pauses for a second is no fault of the code. `HYPOTHESIS_PROFILE=explore` draws new ones, twenty times as many, to look
for faults. A property that names a number of its own says `examples(80)`, so that it grows with the others. A simulation has
its dice from a few seeds, `SIM_SEEDS=100-149` rolls others.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "gate")
MORE = 20 if PROFILE == "explore" else 1


def examples(count: int) -> int:
    return count * MORE


def seeds(usual: range) -> range:
    given = os.environ.get("SIM_SEEDS")
    if given is None:
        return usual
    first, _, last = given.partition("-")
    return range(int(first), int(last or first) + 1)


def load_profile() -> None:
    settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("explore", deadline=None, max_examples=examples(100), print_blob=True)
    settings.load_profile(PROFILE)
    if PROFILE == "gate":
        # Hypothesis also draws the constants of the modules that happen to be loaded: a line changed elsewhere, or a file run
        # alone, would be other examples.
        none = providers.Constants()
        providers._get_local_constants = lambda: none  # type: ignore[attr-defined]
