"""One node for all cases, and one more that has a PKI outside: an EST server and a pool of contracts, played by the tests."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.process import free_ports
from tests.protocol.conformance.kit import Csms, start_csms


@pytest.fixture(scope="session")
def csms() -> Iterator[Csms]:
    yield from _running()


@pytest.fixture(scope="session")
def pki_ports() -> tuple[int, int]:
    """(EST, pool) on this machine."""
    est, pool = free_ports(2)
    return est, pool


@pytest.fixture(scope="session")
def csms_with_pki(pki_ports: tuple[int, int]) -> Iterator[Csms]:
    est, pool = pki_ports
    yield from _running(
        CSMS_PKI__EST_URL=f"http://127.0.0.1:{est}/.well-known/est",
        CSMS_PKI__CONTRACT_POOL_URL=f"http://127.0.0.1:{pool}/contracts",
    )


def _running(**more: str) -> Iterator[Csms]:
    """In a directory of its own: the one that pytest gives lies in a place that every session of pytest closes to others,
    PostgreSQL's user among them, also while this one runs."""
    with TemporaryDirectory(prefix="voltroupe-conformance-", ignore_cleanup_errors=True) as home:
        running = start_csms(Path(home), **more)
        try:
            yield running
        finally:
            running.node.kill()
            running.node.kill_postgres(immediate=True)
