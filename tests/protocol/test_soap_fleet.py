"""Simulated SOAP stations, faults and all, against the real service over HTTP: neither side knows the other's code."""

from collections.abc import Sequence
from typing import Any

import trio

from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from tests.gateways.web.test_soap import PASSWORD, serving_soap

PROTOCOLS = ("ocpp1.5", "ocpp1.6-S")
FAULTS = Faults(duplicate=0.1, replay=0.1, late=0.05, cut=0.05, garbage=0.1)
SECONDS = 4.0


async def _register(client: Any, identities: Sequence[str]) -> None:
    (await client.put("/api/v1/tenants/fleet/tokens/ISO14443/SIMTAG", json={"status": "Accepted"})).raise_for_status()
    for identity in identities:
        body = {"evses": 2, "auth": {"profile": 1, "password": PASSWORD}, "versions": list(PROTOCOLS)}
        (await client.put(f"/api/v1/tenants/fleet/stations/{identity}", json=body)).raise_for_status()


async def test_a_fleet_over_soap_with_faults_loses_and_doubles_nothing_and_takes_commands() -> None:
    identities = [f"SIM{n}" for n in range(6)]
    async with serving_soap() as (rig, url):
        client = await rig.tenant("fleet")
        await _register(client, identities)
        plan = Plan(
            soap_url=f"{url}/soap/fleet", count=len(identities), identities=identities, protocols=PROTOCOLS, password=PASSWORD,
            seed=5, zipped=True, faults=FAULTS,
        )  # fmt: skip
        fleet = Fleet(plan)
        answers: dict[str, dict[str, Any]] = {}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fleet.run, SECONDS)
            await trio.sleep(SECONDS / 2)
            for identity in identities[:2]:
                told = await client.post(f"/api/v1/tenants/fleet/stations/{identity}/commands/ClearCache", json={})
                assert told.status_code == 200, told.text
                answers[told.json()["protocol"]] = told.json()["result"]
        assert answers == {protocol: {"status": "Accepted"} for protocol in PROTOCOLS}
        counts = fleet.stats.summary()
        assert counts["started"] == counts["stopped"] > 0
        told = rig.stats()
        assert told["contained"] == 0
        assert told["errors_out"] == told["malformed"] > 0  # what nobody could understand, and nothing else
        page = await rig.queries.sessions("fleet", None, None, 1000, None)
        assert (len(page.items), {row.state for row in page.items}) == (counts["started"], {"ended"})
