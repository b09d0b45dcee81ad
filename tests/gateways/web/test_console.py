"""The console without a browser: signing in, CSRF, roles, tenants, orders, and the strict policy of its pages."""

import re
from datetime import UTC, datetime

import httpx
import pytest

from gateways.web.console.setup import ORDERS, READ_PAGES
from runtime.address import Address
from runtime.store import DeadLetter
from tests.gateways.web.rig import OWNER, Rig, running, serving
from tests.kits.patience import http_client

PAGES = [path for path in READ_PAGES if not path.startswith("/live")]


async def signed_in(rig: Rig, token: str) -> httpx.AsyncClient:
    client = rig.client(None)
    answer = await client.post("/console/login", data={"csrf": await csrf_of(client, "/console/login"), "token": token})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")
    return client


async def csrf_of(client: httpx.AsyncClient, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await client.get(path)).text)
    assert found, path
    return found[1]


def page(path: str) -> str:
    filled = path.replace("<string:dead_letter>", "d1").replace("<string:verdict>", "discard")
    return "/console" + filled.replace("<string:operation>", "restart") + "?address=acme/station/CS1"


async def bury(rig: Rig, tenant: str = "acme") -> None:
    await rig.store.bury(
        DeadLetter(
            id="d1", actor=Address(tenant, "station", "CS1"), at=datetime(2026, 1, 1, tzinfo=UTC), message_type="Heartbeat",
            body=b'{"<b>": 1}', fingerprint="f", error="ValueError: <script>alert(1)</script>", traceback="T", correlation="c",
        )
    )  # fmt: skip


async def test_without_a_session_every_page_leads_to_the_login_and_every_order_too() -> None:
    async with running() as rig:
        for path in READ_PAGES:
            answer = await rig.anyone.get(page(path))
            assert (answer.status_code, answer.headers["Location"]) == (302, "/console/login"), path
        for path in ORDERS:
            assert (await rig.anyone.post(page(path))).status_code == 302, path


async def test_the_cookie_is_signed_http_only_strict_and_holds_no_token() -> None:
    async with running() as rig:
        client = rig.client(None)
        csrf = await csrf_of(client, "/console/login")
        answer = await client.post("/console/login", data={"csrf": csrf, "token": OWNER})
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/console" in cookie
        assert OWNER not in cookie
        forged = rig.client(None)
        forged.cookies.set("voltroupe_console", client.cookies["voltroupe_console"][:-3] + "abc", domain="test")
        assert (await forged.get("/console")).status_code == 302


async def test_a_wrong_token_or_a_missing_csrf_token_does_not_sign_in() -> None:
    async with running() as rig:
        client = rig.client(None)
        csrf = await csrf_of(client, "/console/login")
        assert (await client.post("/console/login", data={"csrf": csrf, "token": "guess"})).status_code == 401
        assert (await client.post("/console/login", data={"token": OWNER})).status_code == 403
        assert (await client.get("/console")).status_code == 302
        assert (await rig.client(None).post("/console/login", data={"token": OWNER, "csrf": ""})).status_code == 403
        rig.app.services.clock = lambda: 0.0
        for _ in range(25):
            last = await client.post("/console/login", data={"csrf": csrf, "token": "guess"})
        assert last.status_code == 429


async def test_every_page_opens_and_holds_nothing_inline_or_foreign() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        await bury(rig)
        client = await signed_in(rig, OWNER)
        for path in PAGES:
            answer = await client.get(page(path))
            assert answer.status_code == 200, path
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            for forbidden in ("<script>", "<style", " style=", "onclick", "http://", "https://"):
                assert forbidden not in answer.text, (path, forbidden)


async def test_an_order_is_carried_out_told_and_audited() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        client = await signed_in(rig, OWNER)
        csrf = await csrf_of(client, "/console")
        form = {"csrf": csrf, "address": "acme/station/CS1"}
        before = rig.system.inspect.actor(("acme", "station", "CS1"))
        answer = await client.post("/console/actor/restart", data=form)
        assert answer.status_code == 303
        shown = await client.get(answer.headers["Location"])
        assert "restart: done" in shown.text
        after = rig.system.inspect.actor(("acme", "station", "CS1"))
        assert before is not None
        assert after is not None
        assert after["incarnation"] == before["incarnation"] + 1
        assert rig.audited("console.restart")[0].subject == "acme/station/CS1"
        assert (await client.post("/console/actor/restart", data={**form, "csrf": "x"})).status_code == 403
        assert (await client.post("/console/actor/dance", data=form)).status_code == 404


async def test_a_viewer_sees_no_buttons_and_its_orders_are_refused_and_audited() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        await bury(rig)
        client = await signed_in(rig, await rig.api_token("acme", "viewer"))
        csrf = await csrf_of(client, "/console")
        for path in ("/actor", "/dead-letters/d1"):
            shown = await client.get(page(path))
            assert shown.status_code == 200
            assert 'class="orders"' not in shown.text
        for path in ORDERS:
            answer = await client.post(page(path), data={"csrf": csrf, "address": "acme/station/CS1"})
            assert answer.status_code == 403, path
        assert len(rig.audited("console.refused")) == len(ORDERS)
        dead = await rig.store.dead_letter("d1")
        assert dead is not None
        assert dead.state == "open"


async def test_a_tenants_administrator_sees_nothing_of_another_tenant_or_of_the_node() -> None:
    async with running() as rig:
        acme = await rig.tenant("acme")
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        await rig.tenant("volt")
        await bury(rig)
        client = await signed_in(rig, await rig.api_token("volt", "admin"))
        csrf = await csrf_of(client, "/console")
        for path in ("/actor", "/trace", "/trace/export", "/station", "/dead-letters/d1", "/live/actor", "/live/trace"):
            assert (await client.get(page(path))).status_code == 404, path
        for query in ("at=acme/tenant/acme", "open=acme/tenant/acme", "after=acme/station/CS1"):
            assert (await client.get(f"/console/tree?{query}")).status_code == 404, query
        for path in ("", "/tree", "/actors", "/waits", "/timers", "/dead-letters"):
            text = (await client.get(page(path).partition("?")[0])).text
            assert "acme" not in text, path
            assert "committer" not in text, path
        for path in ORDERS:
            answer = await client.post(page(path), data={"csrf": csrf, "address": "acme/station/CS1"})
            assert answer.status_code == 404, path
        assert rig.audited("console.refused")


async def test_what_stations_and_errors_say_is_escaped() -> None:
    async with running() as rig:
        await rig.tenant()
        await bury(rig)
        client = await signed_in(rig, OWNER)
        text = (await client.get("/console/dead-letters/d1")).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


async def test_a_dead_letter_is_discarded_from_its_page() -> None:
    async with running() as rig:
        await rig.tenant()
        await bury(rig)
        client = await signed_in(rig, OWNER)
        csrf = await csrf_of(client, "/console/dead-letters/d1")
        assert (await client.post("/console/dead-letters/d1/discard", data={"csrf": csrf})).status_code == 303
        dead = await rig.store.dead_letter("d1")
        assert dead is not None
        assert dead.state == "discarded"
        assert rig.audited("console.discard")


async def test_signing_out_or_a_revoked_token_ends_the_session() -> None:
    async with running() as rig:
        await rig.tenant()
        client = await signed_in(rig, await rig.api_token("acme", "admin"))
        token_id = next(token.id for token in await rig.tokens.list("acme") if token.name == "admin")
        assert (await client.get("/console")).status_code == 200
        await rig.tokens.revoke(token_id, rig.env.now())
        rig.app.services.identities.forget(token_id)
        assert (await client.get("/console")).status_code == 302
        client = await signed_in(rig, OWNER)
        await client.post("/console/logout", data={"csrf": await csrf_of(client, "/console")})
        assert (await client.get("/console")).status_code == 302


@pytest.mark.parametrize("live", ["overview", "tree", "actors", "actor", "trace", "waits", "timers"])
async def test_a_live_part_is_sent_at_once_and_again_only_when_it_changed(live: str) -> None:
    async with serving() as (rig, url):
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        inside = await signed_in(rig, OWNER)
        cookie = {"Cookie": f"voltroupe_console={inside.cookies['voltroupe_console']}"}
        client = http_client(base_url=url, headers=cookie)
        address = {"address": "acme/station/CS1"} if live in ("actor", "trace") else {}
        async with client, client.stream("GET", f"/console/live/{live}", params=address) as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    assert line.startswith('data: {"html":"')
                    break
