"""Fixtures that any test may ask for: what they give, and how examples are drawn, is told in tests/kits/.

Every test runs on a seeded schedule: trio shuffles its tasks, and the shuffle is repeated by the seed. The seed is printed
with a failure; `SCHEDULE_SEED=n` runs all of them on that one."""

import os
import zlib

import pytest
import trio._core._run as trio_run

from tests.kits.examples import load_profile
from tests.kits.postgres import database, fresh_dsn, postgres_server, postgres_template, quick_path

__all__ = ["database", "fresh_dsn", "postgres_server", "postgres_template", "quick_path", "seeded_schedule"]

load_profile()


@pytest.fixture(autouse=True)
def seeded_schedule(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    seed = int(os.environ.get("SCHEDULE_SEED", zlib.crc32(request.node.name.encode()) % 100_000))
    print(f"SCHEDULE_SEED={seed}")
    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio_run._r.seed(seed)
    return seed
