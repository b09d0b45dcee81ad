"""Configuration templates and a station's configuration through the admin API."""

from typing import Any

import httpx

from tests.gateways.web.rig import running
from tests.kits.patience import until

TEMPLATE = "/api/v1/tenants/acme/templates/site"
STATION = "/api/v1/tenants/acme/stations/CP-1"
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}, "value": "300"}


def body(*settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Site", "settings": list(settings) or [HEARTBEAT], **more}


async def wrong(api: httpx.AsyncClient, path: str, given: dict[str, Any]) -> list[str]:
    answer = await api.put(path, json=given)
    assert answer.status_code == 400, answer.text
    return sorted(error["pointer"] for error in answer.json()["errors"])


async def test_a_template_is_made_assigned_shown_and_taken_away() -> None:
    async with running() as rig:
        api = await rig.tenant()
        await api.put(STATION, json={"auth": {"profile": 0}})
        rate = {"key": "ChargingScheduleAllowedChargingRateUnit", "value": "Current"}
        made = await api.put(TEMPLATE, json=body(HEARTBEAT, rate, {"key": "VendorKey", "value": "x"}, match={"vendor": "V*"}))
        assert made.status_code == 201, made.text
        settings = made.json()["settings"]
        assert [(s["component"]["name"], s["variable"]["name"], s["value"], s["key"]) for s in settings] == [
            ("OCPPCommCtrlr", "HeartbeatInterval", "300", "HeartbeatInterval"),
            ("SmartChargingCtrlr", "RateUnit", "A", "ChargingScheduleAllowedChargingRateUnit"),
            ("OCPP16", "VendorKey", "x", "VendorKey"),
        ]
        assert (await api.get(STATION + "/configuration")).json()["template"] is None
        assigned = await api.put(STATION + "/template", json={"template": "site"})
        assert assigned.status_code == 200, assigned.text

        async def configured() -> bool:
            return bool((await api.get(STATION + "/configuration")).json()["settings"])

        await until(configured)
        shown = (await api.get(STATION + "/configuration")).json()
        assert (shown["template"], shown["version"], shown["source"]) == ("site", 1, "hand")
        assert {(s["variable"]["name"], s["wanted"], s["state"]) for s in shown["settings"]} == {
            ("HeartbeatInterval", "300", "unknown"), ("RateUnit", "A", "unknown"), ("VendorKey", "x", "unknown"),
        }  # fmt: skip
        assert (await api.get(TEMPLATE + "/stations")).json() == {"items": [{"station": "CP-1"}], "next": None}
        assert [t["stations"] for t in (await api.get("/api/v1/tenants/acme/templates")).json()["items"]] == [1]
        assert (await api.post(STATION + "/configuration/apply")).status_code == 202
        again = await api.put(TEMPLATE, json=body(enforce="report only"))
        assert (again.status_code, again.json()["version"]) == (200, 2)
        assert (await api.delete(STATION + "/template")).status_code == 204
        assert (await api.delete(STATION + "/template")).status_code == 404
        assert (await api.post(STATION + "/configuration/apply")).status_code == 409
        assert (await api.delete(TEMPLATE)).status_code == 204
        assert (await api.get(TEMPLATE)).status_code == 404
        assert {row.action for row in rig.rows.audit} >= {"put_template", "assign_template", "apply_configuration"}


async def test_every_wrong_field_is_named() -> None:
    async with running() as rig:
        api = await rig.tenant()
        await api.put(STATION, json={"auth": {"profile": 0}})
        assert await wrong(api, TEMPLATE, body({"value": "1"})) == ["/settings/0"]
        assert await wrong(api, TEMPLATE, body(HEARTBEAT, {"key": "heartbeatinterval", "value": "1"})) == ["/settings/1"]
        assert await wrong(api, TEMPLATE, body({"component": {"name": "A"}, "value": "1"})) == ["/settings/0/variable"]
        assert await wrong(api, TEMPLATE, body({"key": "AuthorizationKey", "value": "secret"})) == ["/settings/0"]
        assert await wrong(api, TEMPLATE, body(enforce="always", match={"colour": "red"})) == ["/enforce", "/match/colour"]
        assert await wrong(api, TEMPLATE, {"name": "", "settings": []}) == ["/name", "/settings"]
        assert await wrong(api, STATION + "/template", {"template": "nothing"}) == ["/template"]
        assert (await api.put(TEMPLATE.replace("site", "Not an id"), json=body())).status_code == 400
        campaign = {"name": "x", "filter": {}, "work": {"kind": "configuration", "template": "nothing"}}
        answer = await api.post("/api/v1/tenants/acme/campaigns", json=campaign)
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/work/template"]
