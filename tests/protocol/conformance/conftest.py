"""One node for all cases, and one more that has a PKI outside: an EST server and a pool of contracts, played by the tests."""

from collections.abc import Iterator

import pytest

from tests.chaos.process import free_ports
from tests.protocol.conformance.kit import Csms, start_csms


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    yield from _running(tmp_path_factory)


@pytest.fixture(scope="session")
def pki_ports() -> tuple[int, int]:
    """(EST, pool) on this machine."""
    est, pool = free_ports(2)
    return est, pool


@pytest.fixture(scope="session")
def csms_with_pki(tmp_path_factory: pytest.TempPathFactory, pki_ports: tuple[int, int]) -> Iterator[Csms]:
    est, pool = pki_ports
    yield from _running(
        tmp_path_factory,
        CSMS_PKI__EST_URL=f"http://127.0.0.1:{est}/.well-known/est",
        CSMS_PKI__CONTRACT_POOL_URL=f"http://127.0.0.1:{pool}/contracts",
    )


def _running(factory: pytest.TempPathFactory, **more: str) -> Iterator[Csms]:
    home = factory.mktemp("conformance")
    home.parent.chmod(0o711)
    home.parent.parent.chmod(0o711)
    running = start_csms(home, **more)
    yield running
    running.node.kill()
    running.node.kill_postgres(immediate=True)
