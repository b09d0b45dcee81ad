"""The routes that a console and `csms top` live on: lists, branches, edges, timers, counters, and the order to drain."""

import time

import trio

from actors.model.ids import station_address
from actors.station.messages import Look
from gateways.web.census import Census
from runtime.limits import Limits
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE

ONE = {"address": "acme/station/CS1"}


async def house(rig: Rig) -> None:
    for tenant in ("acme", "volt"):
        client = await rig.tenant(tenant)
        for n in (1, 2, 3):
            await client.put(f"/api/v1/tenants/{tenant}/stations/CS{n}")


async def test_actors_are_listed_sorted_filtered_in_pages_with_raw_counters_and_rates() -> None:
    async with running() as rig:
        time_ = 1_000.0
        rig.app.services.census = Census(rig.env, lambda: time_)
        await house(rig)
        found = (await rig.owner.get("/api/v1/actors/list", params={"kind": "station", "limit": 4})).json()
        assert found["total"] == 6
        assert [item["address"] for item in found["items"]] == [
            "acme/station/CS1", "acme/station/CS2", "acme/station/CS3", "volt/station/CS1",
        ]  # fmt: skip
        assert found["items"][0]["handled"] >= 1
        assert found["items"][0]["rate"] is None
        rest = (await rig.owner.get("/api/v1/actors/list", params={"kind": "station", "limit": 4, "offset": 4})).json()
        assert [item["address"] for item in rest["items"]] == ["volt/station/CS2", "volt/station/CS3"]
        for _ in range(20):
            await rig.system.ask(station_address("acme", "CS2"), Look(), deadline=PATIENCE)
        time_ += 2.0
        busy = (await rig.owner.get("/api/v1/actors/list", params={"sort": "rate", "q": "STATION/", "limit": 1})).json()
        assert busy["items"][0]["address"] == "acme/station/CS2"
        assert 10 <= busy["items"][0]["rate"] < 15
        upward = (await rig.owner.get("/api/v1/actors/list", params={"sort": "handled", "order": "asc", "limit": 1})).json()
        assert upward["items"][0]["handled"] == 1 or upward["items"][0]["handled"] < busy["items"][0]["handled"]
        await rig.system.inspect.suspend(station_address("acme", "CS3"))
        time_ += 2.0
        quiet = (await rig.owner.get("/api/v1/actors/list", params={"status": "suspended"})).json()
        assert [item["address"] for item in quiet["items"]] == ["acme/station/CS3"]
        assert (await rig.owner.get("/api/v1/actors/list", params={"sort": "beauty"})).status_code == 400
        assert (await rig.owner.get("/api/v1/actors/list", params={"offset": "-1"})).status_code == 400


async def test_a_branch_is_opened_a_page_at_a_time() -> None:
    async with running() as rig:
        await house(rig)
        top = (await rig.owner.get("/api/v1/actors/branch")).json()
        assert [(item["address"], item["below"]) for item in top["items"]] == [("acme/tenant/acme", 3), ("volt/tenant/volt", 3)]
        query = {"at": "acme/tenant/acme", "limit": 2}
        first = (await rig.owner.get("/api/v1/actors/branch", params=query)).json()
        assert ([item["address"] for item in first["items"]], first["hidden"]) == (["acme/station/CS1", "acme/station/CS2"], 1)
        last = (await rig.owner.get("/api/v1/actors/branch", params={**query, "after": first["next"]})).json()
        assert ([item["address"] for item in last["items"]], last["next"]) == (["acme/station/CS3"], None)


async def test_a_tenants_administrator_sees_only_its_own_on_every_route() -> None:
    async with running() as rig:
        await house(rig)
        volt = rig.client(await rig.api_token("volt", "admin"))
        listed = (await volt.get("/api/v1/actors/list")).json()
        assert {item["address"].partition("/")[0] for item in listed["items"]} == {"volt"}
        for path in ("branch", "waits", "timers", "counters", "list"):
            answer = await volt.get(f"/api/v1/actors/{path}")
            assert answer.status_code == 200, path
            assert "acme" not in answer.text, path
            assert (await volt.get(f"/api/v1/actors/{path}", params={"tenant": "acme"})).status_code == 404, path
        assert set((await volt.get("/api/v1/actors/counters")).json()) == {"node", "at", "actors"}
        for params in ({"at": "acme/tenant/acme"}, {"after": "acme/station/CS1"}):
            assert (await volt.get("/api/v1/actors/branch", params=params)).status_code == 404
        assert (await volt.get("/api/v1/actors/timers", params=ONE)).status_code == 404
        assert (await volt.get("/api/v1/actors/waiting", params=ONE)).status_code == 404


async def test_the_owner_gets_the_nodes_raw_counters_to_make_rates_of() -> None:
    async with running() as rig:
        await house(rig)
        before = (await rig.owner.get("/api/v1/actors/counters")).json()
        await rig.system.ask(station_address("acme", "CS1"), Look(), deadline=PATIENCE)
        after = (await rig.owner.get("/api/v1/actors/counters")).json()
        assert after["counters"]["asks"] > before["counters"]["asks"]
        assert after["actors"]["station"] == {"active": 6}
        assert {service["state"] for service in after["services"]} == {"running"}
        assert after["database"]["ready"] is True


async def test_what_waits_for_an_actor_is_told_by_type_and_time_even_when_it_is_not_active() -> None:
    async with running() as rig:
        await house(rig)
        shown = (await rig.owner.get("/api/v1/actors/waiting", params=ONE)).json()
        assert set(shown) == {"timers", "letters", "effects"}
        assert (await rig.owner.get("/api/v1/actors/waiting", params={"address": "acme/station/nobody"})).status_code == 200
        assert (await rig.owner.get("/api/v1/actors/timers")).json()["durable"] == []


async def test_an_actor_is_drained_audited_and_back_with_the_next_message() -> None:
    async with running() as rig:
        await house(rig)
        answer = await rig.owner.post("/api/v1/actors/drain", params=ONE)
        assert answer.json() == {"address": "acme/station/CS1", "operation": "drain", "done": True}
        assert rig.system.inspect.actor(("acme", "station", "CS1")) is None
        assert rig.audited("drain_actor")[0].subject.endswith("acme/station/CS1")
        assert (await rig.owner.get("/api/v1/tenants/acme/stations/CS1")).status_code == 200
        assert rig.system.inspect.actor(("acme", "station", "CS1")) is not None


async def test_an_actor_is_traced_for_a_while_by_who_may() -> None:
    async with running() as rig:
        await house(rig)
        assert (await rig.owner.post("/api/v1/actors/trace", params={**ONE, "seconds": 30})).json()["seconds"] == 30
        await rig.system.ask(station_address("acme", "CS1"), Look(), deadline=PATIENCE)
        [entry] = (await rig.owner.get("/api/v1/actors/trace", params=ONE)).json()["items"]
        assert (entry["message"], entry["end"]) == ("Look", "answered")
        assert (await rig.owner.post("/api/v1/actors/trace", params={**ONE, "seconds": 9999})).status_code == 400
        assert (await rig.owner.post("/api/v1/actors/trace", params={"address": "acme/station/none"})).status_code == 404


async def test_twenty_thousand_actors_are_listed_and_drawn_without_a_stall() -> None:
    """Looked at in slices: in between, others run. Measured in time of the processor: other programs use this machine, too."""
    async with running() as rig:
        await rig.tenant()
        for n in range(20_000):
            rig.system.tell(("acme", "evse", f"S{n}#1"), Look())
        while sum(1 for cell in rig.system.registry.cells.values() if cell.status.value == "active") < 20_000:
            await trio.sleep(0.05)
        assert Limits().survey_slice <= 500
        worst = 0.0

        async def watch(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            """Between two of its turns everybody else has had one."""
            nonlocal worst
            task_status.started()
            while True:
                before = time.thread_time()
                await trio.lowlevel.checkpoint()
                worst = max(worst, time.thread_time() - before)

        async with trio.open_nursery() as nursery:
            await nursery.start(watch)
            listed = (await rig.owner.get("/api/v1/actors/list", params={"sort": "handled", "q": "S1"})).json()
            top = (await rig.owner.get("/api/v1/actors/branch")).json()
            nursery.cancel_scope.cancel()
        assert listed["total"] > 10_000
        assert len(top["items"]) == 100
        assert top["hidden"] > 19_000
        assert worst < 0.25, f"the loop stood still for {worst * 1000:.0f} ms of the processor"
