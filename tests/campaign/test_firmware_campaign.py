"""The proof: firmware to 200 stations of two versions, one in twenty failing, paused, and resumed over a SIGKILL of the node.

A real node with PostgreSQL in a process of its own, and the simulator's fleet outside of it. Nothing here looks inside: what
the campaign says is compared with what the stations have.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.scenario import BUILT_IN
from tests.chaos.process import NO_TLS, PASSWORD, TENANT, Node

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
STATIONS = 200
FAILING = 10
"""Five in a hundred: those are told of a file whose installation fails, every time."""
CAMPAIGNS = f"/tenants/{TENANT}/campaigns"
VERSION = "7.7.7"
PATIENCE = 300.0
"""Seconds to wait for anything: a safety net."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)  # the embedded server may run under another uid and passes through
    return tmp_path


class Operator:
    """Whoever sits before the campaign. The node may be away."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def call(self, method: str, path: str, **more: Any) -> Any:
        url = f"http://127.0.0.1:{self._node.http_port}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self._node.owner}"}
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False, verify=NO_TLS) as client:
            answer = await client.request(method, url, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def until(self, campaign: str, wanted: Any, deadline: float = PATIENCE) -> dict[str, Any]:
        """The campaign's summary, once `wanted` holds of it."""
        end = time.monotonic() + deadline
        while True:
            shown: dict[str, Any] = await self.call("GET", campaign)
            if wanted(shown):
                return shown
            assert time.monotonic() < end, shown
            await trio.sleep(0.1)

    async def stations(self, campaign: str) -> dict[str, dict[str, Any]]:
        page = await self.call("GET", f"{campaign}/stations", params={"limit": 1000})
        return {item["station"]: item for item in page["items"]}


def provision(node: Node, identities: list[str]) -> None:
    node.provision([])
    lines = ["station,profile,password", *(f"{identity},1,{PASSWORD}" for identity in identities)]
    with node.api() as api:
        answer = api.post(
            f"/tenants/{TENANT}/stations/import", content="\n".join(lines).encode(), headers={"Content-Type": "text/csv"}
        )
        assert answer.is_success, answer.text


def counting(fleet: Fleet) -> Counter[str]:
    """How often each station is told to update, by the station itself."""
    told: Counter[str] = Counter()

    def watched(identity: str, begin: Any) -> Any:
        def count(*args: Any, **more: Any) -> Any:
            told[identity] += 1
            return begin(*args, **more)

        return count

    for station in fleet.stations:
        updater: Any = station.updater  # type: ignore[attr-defined]
        updater.begin = watched(station.settings.identity, updater.begin)
    return told


def test_a_firmware_campaign_over_200_stations_is_paused_killed_and_runs_to_its_end(home: Path) -> None:
    node = Node(home)
    identities = [f"FW{n:03d}" for n in range(STATIONS)]
    try:
        node.start()
        provision(node, identities)
        trio.run(_run, node, identities)
        assert node.audit() == (0, "")
        assert node.stop() == 0
    finally:
        node.end()


async def _run(node: Node, identities: list[str]) -> None:
    plan = Plan(
        url=node.ocpp_url, count=STATIONS, rate=100.0, identities=identities, protocols=("ocpp1.6", "ocpp2.0.1"),
        password=PASSWORD, scenario=BUILT_IN["idle"], seed=3, backoff_most=1.0, failing=identities[7 :: STATIONS // FAILING],
    )  # fmt: skip
    fleet = Fleet(plan)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.start)
        await _booted(fleet)
        await _campaign(node, Operator(node), fleet, identities)
        nursery.cancel_scope.cancel()


async def _booted(fleet: Fleet) -> None:
    with trio.fail_after(PATIENCE):
        while fleet.stats.counts["boots"] < STATIONS:
            await trio.sleep(0.1)


async def _campaign(node: Node, operator: Operator, fleet: Fleet, identities: list[str]) -> None:
    updates = counting(fleet)
    bad = identities[7 :: STATIONS // FAILING]
    work = {"kind": "firmware", "location": f"https://fw.example.com/fw-{VERSION}.bin", "version": VERSION}
    body = {
        "name": "spring", "work": work, "filter": {"firmware": "*"}, "waves": ["5%", "rest"], "at_once": 40, "budget": "10%",
        "retry": {"attempts": 2, "wait_s": 1}, "deadline_s": 60,
    }  # fmt: skip
    campaign = f"{CAMPAIGNS}/{(await operator.call('POST', CAMPAIGNS, json=body))['id']}"
    await operator.call("POST", f"{campaign}/start")
    await operator.until(campaign, lambda shown: shown["wave"] == 2 and shown["counts"]["done"] >= 30)

    await operator.call("POST", f"{campaign}/pause")
    paused = await operator.until(campaign, lambda shown: not shown["counts"]["ordered"] + shown["counts"]["withdrawing"])
    assert paused["state"] == "paused"
    assert paused["counts"]["waiting"] > 50
    quiet = await operator.until(campaign, lambda shown: not shown["counts"]["running"])
    assert quiet["counts"]["done"] >= paused["counts"]["done"]
    assert quiet["counts"]["waiting"] >= paused["counts"]["waiting"], "nothing is ordered while it is paused"

    node.kill()
    await trio.to_thread.run_sync(node.start)
    woken = await operator.call("GET", campaign)
    assert woken["state"] == "paused"
    for state in ("done", "failed"):
        assert woken["counts"][state] == quiet["counts"][state]
    await operator.call("POST", f"{campaign}/resume")
    await operator.until(campaign, lambda shown: shown["counts"]["done"] >= quiet["counts"]["done"] + 20)
    node.kill()  # and once more, in the midst of it
    await trio.to_thread.run_sync(node.start)

    ended = await operator.until(campaign, lambda shown: shown["state"] == "ended")
    print(ended)
    assert (ended["total"], ended["counts"]["done"], ended["counts"]["failed"]) == (STATIONS, STATIONS - FAILING, FAILING)
    told = await operator.stations(campaign)
    assert sorted(name for name, item in told.items() if item["state"] == "failed") == sorted(bad)
    assert {item["attempt"] for name, item in told.items() if name in bad} == {2}
    have = {station.settings.identity: station.firmware for station in fleet.stations}
    assert {name for name, firmware in have.items() if firmware == VERSION} == set(identities) - set(bad)
    good = [updates[identity] for identity in identities if identity not in bad]
    assert max(updates.values()) <= 2
    assert sum(good) - len(good) <= 80, "asked again are only those that were under way when the node was killed"
