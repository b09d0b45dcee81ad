"""Fixtures that any test may ask for (what they give is told in tests/kits/), and how examples are drawn.

The suite decides whether a change is kept, so that it draws the same examples everywhere and knows no deadline: a machine
that pauses for a second is no fault of the code. `HYPOTHESIS_PROFILE=explore` draws new ones, many more, to look for faults.
"""

import os

from hypothesis import HealthCheck, settings

from tests.kits.postgres import database, fresh_dsn, postgres_server, postgres_template, quick_path

__all__ = ["database", "fresh_dsn", "postgres_server", "postgres_template", "quick_path"]

settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
