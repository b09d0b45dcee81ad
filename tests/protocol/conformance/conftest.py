"""One node for all cases."""

from collections.abc import Iterator

import pytest

from tests.protocol.conformance.kit import Csms, start_csms


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    home = tmp_path_factory.mktemp("conformance")
    home.parent.chmod(0o711)
    home.parent.parent.chmod(0o711)
    running = start_csms(home)
    yield running
    running.node.kill()
    running.node.kill_postgres(immediate=True)
