"""The node through the API: supervision tree, orders, dead letters, health, metrics, and a database that is away."""

from datetime import UTC, datetime

from actors.station import messages as m
from runtime.address import Address
from runtime.store import DeadLetter
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE

S = "/api/v1/tenants/acme/stations/CS1"
ONE = {"address": "acme/station/CS1"}


async def bury(rig: Rig, dead_id: str, tenant: str = "acme", body: bytes = b"{}") -> None:
    await rig.store.bury(
        DeadLetter(
            id=dead_id, actor=Address(tenant, "station", "CS1"), at=datetime(2026, 1, 1, tzinfo=UTC), message_type="Heartbeat",
            body=body, fingerprint="f", error="ValueError: no", traceback="Traceback", correlation="c",
        )
    )  # fmt: skip


async def test_the_tree_shows_a_tenant_its_own_and_the_owner_everything() -> None:
    async with running() as rig:
        acme = await rig.tenant("acme")
        await rig.tenant("volt")
        await acme.put(S)
        own = (await acme.get("/api/v1/actors")).json()
        assert [node["address"] for node in own["actors"]] == ["acme/tenant/acme"]
        assert own["actors"][0]["children"][0]["address"] == "acme/station/CS1"
        assert own["services"] == []
        whole = (await rig.owner.get("/api/v1/actors")).json()
        assert {node["address"] for node in whole["actors"]} == {"acme/tenant/acme", "volt/tenant/volt"}
        assert whole["services"]
        little = (await rig.owner.get("/api/v1/actors", params={"limit": 1})).json()
        assert (len(little["actors"]), little["hidden"]) == (1, 1)


async def test_one_actor_shows_its_state_without_its_secret() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        password = (await acme.put(S)).json()["auth"]["password"]
        shown = await acme.get("/api/v1/actors/one", params=ONE)
        assert shown.json()["state"]["secret"] == "set"
        assert password not in shown.text
        assert shown.json()["status"] == "active"
        for address, status in (("acme/station/none", 404), ("nonsense", 400), ("volt/station/CS1", 404)):
            assert (await acme.get("/api/v1/actors/one", params={"address": address})).status_code == status


async def test_orders_reach_the_actor_and_are_audited() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(S)
        for operation in ("checkpoint", "suspend", "resume", "restart", "stop"):
            answer = await acme.post(f"/api/v1/actors/{operation}", params=ONE)
            assert (answer.status_code, answer.json()["done"]) == (200, True), operation
            assert rig.audited(f"{operation}_actor")[0].subject.endswith("?address=acme/station/CS1")
        assert (await acme.put(S)).status_code == 503
        assert (await acme.post("/api/v1/actors/restart", params=ONE)).json()["done"] is True
        assert (await acme.put(S)).status_code == 200
        assert (await acme.post("/api/v1/actors/restart", params={"address": "acme/toaster/1"})).status_code == 404
        assert (await acme.post("/api/v1/actors/stop", params={"address": "acme/toaster/1"})).status_code == 404


async def test_dead_letters_are_listed_read_discarded_once_and_scoped() -> None:
    async with running() as rig:
        acme = await rig.tenant("acme")
        volt = await rig.tenant("volt")
        await bury(rig, "d1")
        await bury(rig, "d2", body=b"\xff not json")
        assert {item["id"] for item in (await acme.get("/api/v1/dead-letters")).json()["items"]} == {"d1", "d2"}
        assert (await volt.get("/api/v1/dead-letters")).json()["items"] == []
        assert (await volt.get("/api/v1/dead-letters/d1")).status_code == 404
        assert (await volt.post("/api/v1/dead-letters/d1/discard")).status_code == 404
        one = (await acme.get("/api/v1/dead-letters/d1")).json()
        assert (one["actor"], one["state"], one["message"]) == ("acme/station/CS1", "open", {})
        assert "not json" in (await acme.get("/api/v1/dead-letters/d2")).json()["message"]
        assert (await acme.post("/api/v1/dead-letters/d1/discard")).json()["state"] == "discarded"
        assert (await acme.post("/api/v1/dead-letters/d1/discard")).status_code == 409
        assert (await acme.post("/api/v1/dead-letters/d1/replay")).status_code == 409
        assert (await acme.post("/api/v1/dead-letters/d2/replay")).status_code == 422
        open_ones = (await acme.get("/api/v1/dead-letters", params={"state": "open"})).json()["items"]
        assert [item["id"] for item in open_ones] == ["d2"]


async def test_while_the_database_is_away_readiness_says_no_and_writes_answer_503() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(S)
        rig.store.away = True
        assert (await rig.anyone.get("/healthz")).status_code == 200
        assert (await rig.anyone.get("/readyz")).status_code == 503
        answer = await acme.put(S, json={"evses": 4})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:voltroupe:problem:database-away")
        assert int(answer.headers["Retry-After"]) > 0
        rig.store.away = False
        ready = (await rig.anyone.get("/readyz")).json()
        assert ready["ready"] is True
        assert set(ready["database"]) <= {"state", "since"}  # where it is and who we are is nobody's business here


async def test_metrics_speak_of_runtime_listener_database_and_requests_and_name_nobody() -> None:
    async with running() as rig:
        acme = await rig.tenant("secretive")
        await acme.put("/api/v1/tenants/secretive/stations/CS1")
        await rig.system.ask(("secretive", "station", "CS1"), m.Look(), deadline=PATIENCE)
        text = (await rig.anyone.get("/metrics")).text
        for wanted in (
            "voltroupe_runtime_turns_total ",
            'voltroupe_runtime_commit_us_bucket{kind="main",le="+Inf"}',
            'voltroupe_runtime_actors{kind="station",status="active"} 1.0',
            "voltroupe_ocpp_connections 3.0",
            "voltroupe_ocpp_frames_in_total 17.0",
            "voltroupe_database_ready 1.0",
            'route="/api/v1/tenants/{tenant}/stations/{station}",status="201"} 1.0',
            'voltroupe_info{component="voltroupe",version="0.1.0"} 1.0',
        ):
            assert wanted in text, wanted
        assert "secretive" not in text


async def test_every_answer_carries_a_correlation_and_the_strict_headers() -> None:
    async with running() as rig:
        answer = await rig.owner.get("/api/v1/tenants", headers={"X-Correlation-Id": "mine-7"})
        assert answer.headers["X-Correlation-Id"] == "mine-7"
        odd = await rig.owner.get("/api/v1/tenants", headers={"X-Correlation-Id": "x" * 100})
        assert odd.headers["X-Correlation-Id"] != "x" * 100
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


async def test_an_unknown_path_or_method_is_a_problem_too() -> None:
    async with running() as rig:
        for method, path, status in (("GET", "/api/v1/nothing", 404), ("PATCH", "/api/v1/tenants", 405)):
            answer = await rig.owner.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_creating_a_tenant_twice_conflicts_and_its_fields_are_checked() -> None:
    async with running() as rig:
        await rig.tenant("acme")
        body = {"id": "acme", "currency": "EUR", "country": "DE"}
        assert (await rig.owner.post("/api/v1/tenants", json=body)).status_code == 409
        wrong = {"id": "A b", "currency": "euro", "country": "Germany", "time_zone": 1, "unknown_stations": "maybe"}
        answer = await rig.owner.post("/api/v1/tenants", json=wrong)
        assert {error["pointer"] for error in answer.json()["errors"]} == {
            "/id", "/currency", "/country", "/time_zone", "/unknown_stations",
        }  # fmt: skip
        answer = await rig.owner.post("/api/v1/tenants", json={**body, "id": "new", "time_zone": "Mars/Olympus"})
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/time_zone"]
        unknown = {"id": "new", "country": "QQ", "currency": "XYZ", "time_zone": "Mars/Olympus"}
        answer = await rig.owner.post("/api/v1/tenants", json={**body, **unknown})
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/currency", "/country", "/time_zone"]
        assert (await rig.owner.get("/api/v1/tenants")).json()["items"][0]["id"] == "acme"
