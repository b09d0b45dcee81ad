"""Templates, lists and roots to real stations of the simulator, of 1.6 and 2.0.1, by campaigns on a real node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.scenario import BUILT_IN
from tests.campaign.test_firmware_campaign import CAMPAIGNS, PATIENCE, Operator, provision
from tests.chaos.process import PASSWORD, TENANT, TOKEN, Node
from tests.kits import pki

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
IDENTITIES = [f"MX{n:03d}" for n in range(10)]
SETTINGS = [
    {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}, "value": "444"},
    {"key": "MeterValueSampleInterval", "value": "37"},
    {"component": {"name": "AuthCtrlr"}, "variable": {"name": "LocalAuthorizeOffline"}, "value": "TRUE"},
]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)  # the embedded server may run under another uid and passes through
    node = Node(tmp_path)
    try:
        node.start()
        provision(node, IDENTITIES)
        yield node
        assert node.audit() == (0, "")
    finally:
        node.end()


async def run(operator: Operator, work: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """A campaign over all stations, to its end: what became of each."""
    body = {"name": "mixed", "work": work, "filter": {}, "at_once": 4, "deadline_s": 120, **more}
    campaign = f"{CAMPAIGNS}/{(await operator.call('POST', CAMPAIGNS, json=body))['id']}"
    await operator.call("POST", f"{campaign}/start")
    await operator.until(campaign, lambda shown: shown["state"] == "ended")
    return await operator.stations(campaign)


def test_a_template_a_list_and_a_root_reach_stations_of_both_versions(node: Node) -> None:
    trio.run(_all, node)


async def _all(node: Node) -> None:
    plan = Plan(
        url=node.ocpp_url, count=len(IDENTITIES), rate=100.0, identities=IDENTITIES, protocols=("ocpp1.6", "ocpp2.0.1"),
        password=PASSWORD, scenario=BUILT_IN["idle"], seed=4,
    )  # fmt: skip
    fleet = Fleet(plan)
    operator = Operator(node)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.start)
        with trio.fail_after(PATIENCE):
            while fleet.stats.counts["boots"] < len(IDENTITIES):
                await trio.sleep(0.1)
        await _template(operator, fleet)
        await _list(operator, fleet)
        await _root(operator)
        await _secure_firmware(operator, fleet)
        nursery.cancel_scope.cancel()


async def _template(operator: Operator, fleet: Fleet) -> None:
    await operator.call("PUT", f"/tenants/{TENANT}/templates/site", json={"name": "Site", "settings": SETTINGS})
    told = await run(operator, {"kind": "configuration", "template": "site"})
    assert {(item["state"], item["detail"]) for item in told.values()} == {("done", "in step")}
    for station in fleet.stations[:2]:
        path = f"/tenants/{TENANT}/stations/{station.settings.identity}"
        shown = await operator.call("GET", f"{path}/configuration")
        assert {s["state"] for s in shown["settings"]} == {"applied"}, shown
        assert shown["source"] == "campaign"
    old: Any = fleet.stations[0]
    assert (old.settings.protocol, old.configuration["HeartbeatInterval"][0]) == ("ocpp1.6", "444")
    assert old.configuration["MeterValueSampleInterval"][0] == "37"
    # Somebody sets it otherwise, in the words of 1.6: drift, until the next boot.
    path = f"/tenants/{TENANT}/stations/{old.settings.identity}"
    await operator.call("POST", f"{path}/commands/ChangeConfiguration", json={"key": "HeartbeatInterval", "value": "5"})
    await _settle(operator, path, "drifted")
    await operator.call("POST", f"{path}/commands/Reset", json={"type": "Soft"})
    await _settle(operator, path, "applied")
    assert old.configuration["HeartbeatInterval"][0] == "444"


async def _settle(operator: Operator, path: str, state: str) -> None:
    with trio.fail_after(PATIENCE):
        while (await operator.call("GET", f"{path}/configuration"))["state"] != state:
            await trio.sleep(0.1)


async def _list(operator: Operator, fleet: Fleet) -> None:
    told = await run(operator, {"kind": "local_list", "tokens": [{"uid": TOKEN}]})
    assert {item["state"] for item in told.values()} == {"done"}, told
    old: Any = fleet.stations[0]
    assert list(old.local_list) == [TOKEN]


async def _root(operator: Operator) -> None:
    root = {"kind": "certificate", "type": "CSMSRootCertificate", "certificate": pki.Ca("Root of the CSMS").pem}
    told = await run(operator, root)
    assert {item["state"] for item in told.values()} == {"done"}, told


async def _secure_firmware(operator: Operator, fleet: Fleet) -> None:
    """Signed: 1.6 by its security extension. The second file is spoilt, and nobody tries it twice."""
    signer = pki.Ca("Maker").issue("Signer").pem
    work = {"kind": "firmware", "location": "https://x/fw-9.1.bin", "signing_certificate": signer, "signature": "c2ln"}
    told = await run(operator, work, at_once=10)
    assert {item["state"] for item in told.values()} == {"done"}, told
    assert {station.firmware for station in fleet.stations} == {"9.1"}  # type: ignore[attr-defined]
    spoilt = {**work, "location": "https://x/fw-9.2.bin#InvalidSignature"}
    told = await run(operator, spoilt, at_once=10, retry={"attempts": 3, "wait_s": 1})
    assert {(item["state"], item["detail"], item["attempt"]) for item in told.values()} == {("failed", "InvalidSignature", 1)}
