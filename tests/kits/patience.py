"""How long tests wait. For a condition, and never for a time: the bounds here only end a test that would hang, and a machine that
stands still for some seconds does not reach them.

    await until(lambda: provider.asked)                     # a question, or one that is awaited
    async with http_client(base_url=url) as http: ...       # httpx gives up after 5 s of silence by itself
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import trio

from gateways.web import limits

PATIENCE = 120.0


def http_client(**options: Any) -> httpx.AsyncClient:
    """For a server of this machine: without a proxy."""
    return httpx.AsyncClient(**{"timeout": PATIENCE, "trust_env": False, **options})


async def until(question: Callable[[], Any] | Callable[[], Awaitable[Any]], *, pause: float = 0.01) -> Any:
    """The first answer that is true."""
    with trio.fail_after(PATIENCE):
        while True:
            answer: Any = question()
            if isinstance(answer, Awaitable):
                answer = await answer
            if answer:
                return answer
            await trio.sleep(pause)


@pytest.fixture(autouse=True)
def patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an actor does not answer in time is shown as it was written down, or as 504: not here, where it only takes long.
    A room asks for it in its conftest."""
    for name in ("ASK_SECONDS", "LOOK_SECONDS", "COMMAND_SECONDS", "PROVIDER_SECONDS", "PAY_OPEN_SECONDS", "PAY_LOOK_SECONDS"):
        monkeypatch.setattr(limits, name, PATIENCE)
