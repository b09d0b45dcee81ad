"""Merchants through the admin API."""

from typing import Any

from tests.gateways.web.rig import running

T = "/api/v1/tenants/acme"
BODY: dict[str, Any] = {"seller": {"name": "Owner GmbH", "country": "DE"}, "commission_percent": "5"}


async def test_a_merchant_is_created_changed_read_and_listed() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        created = await acme.put(f"{T}/merchants/m1", json=BODY)
        assert created.status_code == 201, created.text
        view = created.json()
        assert (view["id"], view["open"], view["onboarding"], view["account"]) == ("m1", False, "none", None)
        shared = {**BODY, "partners": [{"partner": "host", "percent": "30"}]}
        wrong = await acme.put(f"{T}/merchants/m1", json=shared)
        assert wrong.json()["errors"][0]["pointer"] == "/partners/0/partner"
        await acme.put(f"{T}/merchants/host", json=BODY)
        changed = await acme.put(f"{T}/merchants/m1", json=shared)
        assert (changed.status_code, changed.json()["partners"]) == (200, shared["partners"])
        assert (await acme.get(f"{T}/merchants/m1")).json() == changed.json()
        assert [item["id"] for item in (await acme.get(f"{T}/merchants")).json()["items"]] == ["host", "m1"]
        assert (await acme.get(f"{T}/merchants/nobody")).status_code == 404
        assert (await acme.put(f"{T}/merchants/No Body", json=BODY)).status_code == 400


async def test_terms_that_cannot_be_kept_name_their_field() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        wrong = await acme.put(f"{T}/merchants/m1", json={**BODY, "commission_percent": "101"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/commission_percent")
        wrong = await acme.put(f"{T}/merchants/brand", json={**BODY, "account": "acct_1"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/account")


async def test_a_station_names_a_merchant_that_there_is() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        wrong = await acme.put(f"{T}/stations/CP-1", json={"merchant": "m1"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/merchant")
        await acme.put(f"{T}/merchants/m1", json=BODY)
        assert (await acme.put(f"{T}/stations/CP-1", json={"merchant": "m1"})).json()["merchant"] == "m1"
        card = rig.cards.station("acme", "CP-1")
        assert card is not None
        assert card.merchant == "m1"
