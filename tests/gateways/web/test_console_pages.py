"""What the console's pages show: a lazily opened tree, a filtered and exported trace, a station's books, timers and orders."""

import json
from datetime import UTC, datetime, timedelta

import msgspec

from actors.model.ids import station_address
from actors.model.rows import BookRow, QuirkRow, VariableRow
from actors.ports import TraceRow
from actors.station.messages import Look
from gateways.web import limits
from tests.gateways.web.rig import OWNER, Rig, running, serving
from tests.gateways.web.test_console import bury, csrf_of, signed_in
from tests.kits.patience import PATIENCE, http_client

NOW = datetime(2026, 7, 22, 12, tzinfo=UTC)
ADDRESS = "address=acme/station/CS1"


def said(rig: Rig, n: int, direction: str = "in", action: str = "Heartbeat", error: str | None = None, **more: str) -> None:
    rig.sink.put(
        TraceRow(
            tenant="acme", station="CS1", at=NOW + timedelta(seconds=n), direction=direction,
            protocol=more.get("protocol", "ocpp1.6"), message_type="CALL", action=action, unique_id=f"m-{n}",
            body=more.get("body", f'[2,"m-{n}","{action}",{{}}]'), error=error,
        )
    )  # fmt: skip


async def station(rig: Rig) -> None:
    acme = await rig.tenant()
    await acme.put("/api/v1/tenants/acme/stations/CS1", json={"evses": 2})


async def test_the_tree_draws_only_what_is_open_and_links_open_the_rest_without_a_script() -> None:
    async with running() as rig:
        await station(rig)
        client = await signed_in(rig, OWNER)
        text = (await client.get("/console/tree")).text
        assert "acme/station/CS1" in text  # a few tenants are opened by themselves
        assert "acme/evse/CS1#1" not in text
        assert 'href="/console/tree?open=acme%2Fstation%2FCS1&amp;open=acme%2Ftenant%2Facme"' in text.replace(
            "open=acme%2Ftenant%2Facme&amp;open=acme%2Fstation%2FCS1", "open=acme%2Fstation%2FCS1&amp;open=acme%2Ftenant%2Facme"
        )
        opened = (await client.get("/console/tree?open=acme/tenant/acme&open=acme/station/CS1")).text
        assert "acme/evse/CS1#1" in opened
        assert "acme/station/CS1" not in (await client.get("/console/tree?open=-")).text
        below = (await client.get("/console/tree?at=acme/station/CS1")).text
        assert "acme/evse/CS1#2" in below
        assert "acme/tenant/acme<" not in below


async def test_a_long_branch_is_drawn_in_pages(monkeypatch) -> None:
    monkeypatch.setattr(limits, "CONSOLE_BRANCH_ROWS", 2)
    async with running() as rig:
        acme = await rig.tenant()
        for n in range(5):
            await acme.put(f"/api/v1/tenants/acme/stations/CS{n}")
        client = await signed_in(rig, OWNER)
        text = (await client.get("/console/tree")).text
        assert "acme/station/CS1" in text
        assert "acme/station/CS2" not in text
        assert "3 more" in text
        after = (await client.get("/console/tree?at=acme/tenant/acme&after=acme/station/CS1")).text
        assert "acme/station/CS2" in after
        assert "1 more" in after


async def test_the_list_turns_its_order_with_a_click_and_keeps_what_was_asked_for() -> None:
    async with running() as rig:
        await station(rig)
        client = await signed_in(rig, OWNER)
        text = (await client.get("/console/actors?kind=station&q=cs&sort=mailbox")).text
        assert 'aria-sort="descending"' in text
        assert "/console/actors?kind=station&amp;q=cs&amp;sort=mailbox&amp;order=asc" in text
        assert "acme/station/CS1" in text
        assert "acme/tenant/acme" not in text
        assert (await client.get("/console/actors?offset=99999999999999&sort=%00&order=x")).status_code == 200


async def test_the_trace_is_filtered_by_action_direction_and_text_and_knows_soap() -> None:
    async with running() as rig:
        await station(rig)
        said(rig, 1)
        said(rig, 2, "out", "Reset", body='[2,"m-2","Reset",{"type":"Soft"}]')
        said(rig, 3, "in", "BootNotification", protocol="ocpp1.6-S", body="<s:Envelope><vendor>ACME</vendor></s:Envelope>")
        client = await signed_in(rig, OWNER)

        async def shown(query: str) -> set[str]:
            text = (await client.get(f"/console/trace?{ADDRESS}&{query}")).text
            return {f"m-{n}" for n in (1, 2, 3) if f">m-{n}<" in text}

        assert await shown("") == {"m-1", "m-2", "m-3"}
        assert await shown("direction=out") == {"m-2"}
        assert await shown("action=Heartbeat") == {"m-1"}
        assert await shown("text=soft") == {"m-2"}
        assert await shown("text=acme") == {"m-3"}
        assert await shown("text=m-1&direction=out") == set()
        assert "&lt;s:Envelope&gt;" in (await client.get(f"/console/trace?{ADDRESS}")).text


async def test_the_trace_is_saved_as_json_lines_and_that_is_audited() -> None:
    async with running() as rig:
        await station(rig)
        for n in range(1200):
            said(rig, n, "in" if n % 2 else "out")
        client = await signed_in(rig, OWNER)
        answer = await client.get(f"/console/trace/export?{ADDRESS}&direction=in")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="trace-CS1.jsonl"'
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert len(lines) == 600
        assert lines[0]["unique_id"] == "m-1199"
        assert {line["direction"] for line in lines} == {"in"}
        assert rig.audited("console.export")[0].subject == "acme/station/CS1"


async def test_a_live_trace_ends_by_itself(monkeypatch) -> None:
    monkeypatch.setattr(limits, "CONSOLE_TRACE_DEFAULT", 0.5)
    monkeypatch.setattr(limits, "CONSOLE_TICK_SECONDS", 0.1)
    async with serving() as (rig, url):
        await station(rig)
        inside = await signed_in(rig, OWNER)
        cookie = {"Cookie": f"voltroupe_console={inside.cookies['voltroupe_console']}"}
        async with (
            http_client(base_url=url, headers=cookie) as client,
            client.stream("GET", f"/console/live/trace?{ADDRESS}") as response,
        ):
            text = "".join([chunk async for chunk in response.aiter_text()])
        assert text.endswith("event: over\ndata: {}\n\n")


async def test_a_stations_page_shows_its_quirks_its_variables_and_its_books() -> None:
    async with running() as rig:
        await station(rig)
        for quirk, count in (("types", 3), ("json", 1)):
            row = QuirkRow(tenant="acme", station="CS1", quirk=quirk, tier="repair", count=count, first_at=NOW, last_at=NOW)
            rig.sink.put(row)
        variable = VariableRow(
            tenant="acme", station="CS1", component="OCPPCommCtrlr", variable="HeartbeatInterval", key_1_6="HeartbeatInterval",
            attributes=[{"type": "Actual", "value": "300", "mutability": "ReadWrite"}],
        )  # fmt: skip
        book = BookRow(tenant="acme", station="CS1", book="reservation", key="7", body={"evse": 1}, updated_at=NOW)
        rig.rows.write(1, [variable, book])
        client = await signed_in(rig, OWNER)
        text = (await client.get(f"/console/station?{ADDRESS}")).text
        for wanted in ('docs/quirks#types">types</a>', 'docs/quirks#json">json</a>', "read as what it means"):
            assert wanted in text
        assert "300" in (await client.get(f"/console/station?{ADDRESS}&view=variables")).text
        assert "None." in (await client.get(f"/console/station?{ADDRESS}&view=variables&component=Nothing")).text
        assert "&#34;evse&#34;: 1" in (await client.get(f"/console/station?{ADDRESS}&view=reservation")).text
        for view in ("profile", "display", "alert", "security", "certificate", "local_list"):
            assert (await client.get(f"/console/station?{ADDRESS}&view={view}")).status_code == 200
        assert (await client.get("/console/station?address=acme/tenant/acme")).status_code == 404


async def test_every_order_is_carried_out_from_the_page_and_audited() -> None:
    async with running() as rig:
        await station(rig)
        client = await signed_in(rig, await rig.api_token("acme", "admin"))
        form = {"csrf": await csrf_of(client, "/console"), "address": "acme/station/CS1"}
        expected = {"suspend": "suspended", "resume": "active", "checkpoint": "active", "restart": "active", "stop": "stopped"}
        for operation, status in expected.items():
            shown = await client.get((await client.post(f"/console/actor/{operation}", data=form)).headers["Location"])
            assert f"{operation}: done" in shown.text
            found = rig.system.inspect.actor(("acme", "station", "CS1"))
            assert found is not None
            assert found["status"] == status
        await client.post("/console/actor/restart", data=form)
        shown = await client.get((await client.post("/console/actor/drain", data=form)).headers["Location"])
        assert "drain: done" in shown.text
        assert "It is not active on this node" in shown.text
        done = [row.action for row in rig.rows.audit if row.action.startswith("console.") and row.action != "console.login"]
        assert done == [f"console.{name}" for name in (*expected, "restart", "drain")]


async def test_an_actors_page_shows_its_trace_while_it_is_traced() -> None:
    async with running() as rig:
        await station(rig)
        client = await signed_in(rig, OWNER)
        form = {"csrf": await csrf_of(client, "/console"), "address": "acme/station/CS1"}
        answer = await client.post("/console/actor/trace", data=form)
        await rig.system.ask(station_address("acme", "CS1"), Look(), deadline=PATIENCE)
        shown = await client.get(answer.headers["Location"])
        assert "traced for 1 min" in shown.text
        assert "<td>Look</td>" in shown.text


async def test_an_actors_page_is_there_while_the_database_is_away() -> None:
    async with running() as rig:
        await station(rig)
        client = await signed_in(rig, OWNER)
        rig.store.away = True
        text = (await client.get("/console/actor?address=acme/station/CS1")).text
        assert "Incarnation" in text
        assert "The database is away; this part waits for it." in text


async def test_a_dead_letters_secrets_are_not_shown() -> None:
    async with running() as rig:
        await rig.tenant()
        await bury(rig)
        client = await signed_in(rig, OWNER)
        dead = await rig.store.dead_letter("d1")
        assert dead is not None
        await rig.store.bury(msgspec.structs.replace(dead, id="d2", body=b'{"password":"hunter2","idTag":"04A2B3C4D5"}'))
        for text in ((await client.get("/console/dead-letters/d2")).text, (await rig.owner.get("/api/v1/dead-letters/d2")).text):
            assert "hunter2" not in text
            assert "04A2B3C4D5" not in text
