"""No route of the table is reached without a token, with another tenant's, or without the right. All are walked."""

import pytest

from gateways.web import identity, limits
from gateways.web.api.routes import ROUTES
from gateways.web.table import Route, Scope
from tests.gateways.web.rig import Rig, running

GUARDED = [route for route in ROUTES if route.scope is not Scope.PUBLIC]


def url(route: Route, tenant: str) -> str:
    filled = {name: tenant if name == "tenant" else "x1" for name in route.parameters}
    if "type" in filled:
        filled["type"] = "ISO14443"
    path = route.path.format(**filled)
    return path + (f"?address={tenant}/station/x1" if route.scope is Scope.ADDRESS else "")


async def call(rig: Rig, token: str | None, route: Route, tenant: str) -> int:
    content = b"station\nx1\n" if route.body_media == "text/csv" else b"{}"
    headers = {"content-type": route.body_media} if route.writes else {}
    answer = await rig.client(token).request(route.method, url(route, tenant), content=content, headers=headers)
    assert answer.status_code != 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"].startswith("urn:voltroupe:problem:")
        assert problem["status"] == answer.status_code
    return answer.status_code


async def test_without_a_token_every_route_answers_401() -> None:
    async with running() as rig:
        await rig.tenant()
        for route in GUARDED:
            assert await call(rig, None, route, "acme") == 401, route.name


async def test_another_tenants_id_answers_404_on_every_route_that_names_one_and_is_audited() -> None:
    async with running() as rig:
        await rig.tenant("acme")
        await rig.tenant("volt")
        token = await rig.api_token("volt", "admin")
        walked = [route for route in GUARDED if route.scope in (Scope.TENANT, Scope.ADDRESS)]
        assert len(walked) > 30
        for route in walked:
            assert await call(rig, token, route, "acme") == 404, route.name
            refused = rig.audited(f"{route.name}.refused")
            assert refused, route.name
            assert (refused[-1].tenant, refused[-1].subject) == ("volt", "acme"), route.name


async def test_naming_another_tenant_in_the_query_answers_404_too() -> None:
    async with running() as rig:
        await rig.tenant("acme")
        volt = await rig.tenant("volt")
        for path in ("/api/v1/events", "/api/v1/actors", "/api/v1/dead-letters"):
            assert (await volt.get(path, params={"tenant": "acme"})).status_code == 404, path


async def test_a_missing_right_answers_403_on_every_route_that_writes_and_is_audited() -> None:
    async with running() as rig:
        await rig.tenant()
        viewer = await rig.api_token("acme", "viewer")
        walked = [route for route in GUARDED if route.right != identity.READ]
        assert len(walked) > 15
        for route in walked:
            assert await call(rig, viewer, route, "acme") == 403, route.name
            assert rig.audited(f"{route.name}.refused")[-1].who.startswith("token:"), route.name


async def test_a_viewer_may_read_what_an_administrator_may() -> None:
    async with running() as rig:
        await rig.tenant()
        viewer = rig.client(await rig.api_token("acme", "viewer"))
        for path in ("stations", "sessions", "cdrs", "tokens", "tariffs", "ledger/accounts", "ledger/journals"):
            answer = await viewer.get(f"/api/v1/tenants/acme/{path}")
            assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None}), path


async def test_a_tenants_administrator_is_not_the_platform_owner() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        body = {"id": "mine", "currency": "EUR", "country": "DE"}
        assert (await acme.post("/api/v1/tenants", json=body)).status_code == 403


async def test_an_unknown_tenant_answers_404_to_the_owner() -> None:
    async with running() as rig:
        assert (await rig.owner.get("/api/v1/tenants/nobody/stations")).status_code == 404


async def test_every_write_leaves_an_audit_row_without_the_tokens_uid() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        await acme.put("/api/v1/tenants/acme/tokens/ISO14443/04A2B3C4D5E6")
        assert rig.audited("put_station")[0].subject == "/api/v1/tenants/acme/stations/CS1"
        assert rig.audited("put_station")[0].detail["status"] == 201
        assert rig.audited("create_tenant")[0].who == "token:owner"
        assert "04A2B3C4D5E6" not in repr(rig.rows.audit)


async def test_an_expired_or_revoked_token_is_refused() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        made = (await acme.post("/api/v1/tenants/acme/api-tokens", json={"name": "ci", "role": "viewer"})).json()
        ci = rig.client(made["token"])
        assert (await ci.get("/api/v1/tenants/acme")).status_code == 200
        assert (await acme.delete(f"/api/v1/tenants/acme/api-tokens/{made['id']}")).status_code == 204
        assert (await ci.get("/api/v1/tenants/acme")).status_code == 401
        expired = await rig.api_token("acme", "admin", expires=rig.env.now())
        assert (await rig.client(expired).get("/api/v1/tenants/acme")).status_code == 401


async def test_an_address_that_keeps_guessing_gets_429_while_known_tokens_pass() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        assert (await acme.get("/api/v1/tenants")).status_code == 200
        rig.app.services.clock = lambda: 0.0  # a window is a minute long, and this machine may be slow
        statuses = [(await rig.client(f"guess-{n}").get("/api/v1/tenants")).status_code for n in range(25)]
        assert statuses == [401] * 20 + [429] * 5
        refused = await rig.client("guess-x").get("/api/v1/tenants")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await acme.get("/api/v1/tenants")).status_code == 200
        assert (await rig.owner.get("/api/v1/tenants")).status_code == 200


async def test_who_guesses_behind_the_same_proxy_does_not_shut_out_a_token_that_was_good_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PRINCIPAL_SECONDS", 0.0)
    async with running() as rig:
        acme = await rig.tenant()
        made = (await acme.post("/api/v1/tenants/acme/api-tokens", json={"name": "ci", "role": "viewer"})).json()
        ci = rig.client(made["token"])
        assert (await ci.get("/api/v1/tenants/acme")).status_code == 200
        rig.app.services.clock = lambda: 0.0
        for n in range(25):
            await rig.client(f"guess-{n}").get("/api/v1/tenants")
        assert (await ci.get("/api/v1/tenants/acme")).status_code == 200, "looked up, since it is no longer remembered"
        assert (await acme.delete(f"/api/v1/tenants/acme/api-tokens/{made['id']}")).status_code == 204
        assert (await ci.get("/api/v1/tenants/acme")).status_code == 429, "a revoked one is a guess like any other"


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer   ", "vto_x"])
async def test_a_header_that_is_no_bearer_token_answers_401_and_says_how(header: str) -> None:
    async with running() as rig:
        answer = await rig.anyone.get("/api/v1/tenants", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
