"""Campaigns through the admin API: making, watching, steering, and what is said of a bad body."""

from datetime import timedelta
from typing import Any

import httpx

from tests.gateways.web.rig import running
from tests.kits import pki
from tests.kits.patience import until

CAMPAIGNS = "/api/v1/tenants/acme/campaigns"
FIRMWARE = {"kind": "firmware", "location": "https://fw.example.com/fw-2.0.bin", "version": "2.0"}


def body(**more: Any) -> dict[str, Any]:
    return {"name": "spring", "work": FIRMWARE, "filter": {}, **more}


async def reached(api: httpx.AsyncClient, path: str, state: str) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        shown: dict[str, Any] = (await api.get(path)).json()
        return shown if shown["state"] == state else None

    found: dict[str, Any] = await until(there)
    return found


async def pointers(api: httpx.AsyncClient, **more: Any) -> list[str]:
    answer = await api.post(CAMPAIGNS, json=body(**more))
    assert answer.status_code == 400, answer.text
    return sorted(error["pointer"] for error in answer.json()["errors"])


async def test_a_campaign_is_made_steered_watched_and_forgotten() -> None:
    async with running() as rig:
        api = await rig.tenant()
        for n in range(3):
            await api.put(f"/api/v1/tenants/acme/stations/CP-{n}", json={"auth": {"profile": 0}})
        made = await api.post(CAMPAIGNS, json=body(at_once=2, waves=["10%", "rest"], budget="5%", window=None))
        assert made.status_code == 201, made.text
        campaign = made.headers["Location"]
        assert made.json()["state"] == "draft"
        assert made.json()["definition"]["work"]["location"] == FIRMWARE["location"]
        assert (await api.post(f"{campaign}/pause")).status_code == 409
        assert (await api.post(f"{campaign}/start")).json()["state"] == "gathering"
        shown = await reached(api, campaign, "running")
        assert (shown["total"], shown["wave"], shown["waves"], shown["counts"]["ordered"]) == (3, 1, 2, 1)
        page = (await api.get(f"{campaign}/stations", params={"limit": 2})).json()
        assert [(item["station"], item["state"]) for item in page["items"]] == [("CP-0", "ordered"), ("CP-1", "waiting")]
        rest = (await api.get(f"{campaign}/stations", params={"cursor": page["next"]})).json()
        assert [item["station"] for item in rest["items"]] == ["CP-2"]
        assert rest["next"] is None
        waiting = (await api.get(f"{campaign}/stations", params={"state": "waiting"})).json()["items"]
        assert [item["station"] for item in waiting] == ["CP-1", "CP-2"]
        listed = (await api.get(CAMPAIGNS)).json()["items"]
        assert [(item["id"], item["state"], item["total"]) for item in listed] == [(made.json()["id"], "running", 3)]
        assert (await api.delete(campaign)).status_code == 409
        assert (await api.post(f"{campaign}/cancel")).status_code == 200
        await reached(api, campaign, "cancelled")
        assert (await api.delete(campaign)).status_code == 204
        assert (await api.get(campaign)).status_code == 404
        assert (await api.get(CAMPAIGNS)).json()["items"] == []
        assert [row.subject for row in rig.audited("control_campaign")][-1] == f"{campaign}/cancel"


async def test_the_same_key_makes_one_campaign() -> None:
    async with running() as rig:
        api = await rig.tenant()
        headers = {"Idempotency-Key": "once"}
        first = await api.post(CAMPAIGNS, json=body(), headers=headers)
        second = await api.post(CAMPAIGNS, json=body(), headers=headers)
        assert first.json()["id"] == second.json()["id"]
        assert len((await api.get(CAMPAIGNS)).json()["items"]) == 1


async def test_every_wrong_field_is_named() -> None:
    async with running() as rig:
        api = await rig.tenant()
        assert await pointers(api, filter=None) == ["/stations"]
        assert await pointers(api, stations=["CP-9"], filter=None) == ["/stations/0"]
        assert await pointers(api, stations=[], filter=None) == ["/stations"]
        assert await pointers(api, waves=["101%", 0, "all", "5%"]) == ["/waves/0", "/waves/1", "/waves/2"]
        assert await pointers(api, waves=["5%"], wave_size=3) == ["/wave_size"]
        assert await pointers(api, budget="many", window={"from": "25:00", "to": "6"}) == [
            "/budget",
            "/window/from",
            "/window/to",
        ]
        assert await pointers(api, at_once=0, deadline_s=1, retry={"attempts": 0}) == [
            "/at_once",
            "/deadline_s",
            "/retry/attempts",
        ]
        assert await pointers(api, start_at="2020-01-01T00:00:00Z") == ["/start_at"]
        assert await pointers(api, work={"kind": "firmware", "location": "file:///etc/passwd", "signature": "x"}) == [
            "/work/location", "/work/signing_certificate",
        ]  # fmt: skip
        expired = pki.Ca("maker").issue("signer", days=1, since=timedelta(days=400))
        secure = {**FIRMWARE, "signing_certificate": expired.pem, "signature": "c2ln"}
        assert await pointers(api, work=secure) == ["/work/signing_certificate"]
        assert await pointers(api, work={"kind": "firmware", "location": 5, "colour": "red"}) == [
            "/work/colour",
            "/work/location",
        ]
        assert await pointers(api, work={"kind": "certificate", "type": "V2GRootCertificate", "certificate": "no PEM"}) == [
            "/work/certificate"
        ]
        assert await pointers(api, work={"kind": "local_list", "tokens": [{"uid": "NOBODY"}]}) == ["/work/tokens/0/uid"]
        assert await pointers(api, work={"kind": "renewal", "type": "Passport"}) == ["/work/type"]
        assert await pointers(api, work={"kind": "paint"}) == ["/work"]


async def test_a_list_campaign_names_its_tokens_by_reference_only() -> None:
    async with running() as rig:
        api = await rig.tenant()
        await api.put("/api/v1/tenants/acme/tokens/ISO14443/04A2B3C4", json={"status": "Accepted"})
        work = {"kind": "local_list", "tokens": [{"uid": "04A2B3C4"}, {"uid": "04a2b3c4"}]}
        made = await api.post(CAMPAIGNS, json=body(work=work))
        assert made.status_code == 201, made.text
        assert made.json()["definition"]["work"] == {"kind": "local_list", "tokens": 1}
        assert b"04A2B3C4" not in made.content


async def test_another_tenants_campaign_is_not_there_and_a_viewer_may_only_look() -> None:
    async with running() as rig:
        api = await rig.tenant()
        other = await rig.tenant("other")
        made = (await api.post(CAMPAIGNS, json=body())).headers["Location"]
        assert (await other.get(made)).status_code == 404
        assert (await other.get(made.replace("acme", "other"))).status_code == 404
        viewer = rig.client(await rig.api_token("acme", "viewer"))
        assert (await viewer.get(made)).status_code == 200
        assert (await viewer.post(f"{made}/start")).status_code == 403
        assert (await api.post(f"{made}/explode")).status_code == 400
