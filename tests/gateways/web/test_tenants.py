"""A brand's settings and its audit log through the API."""

from tests.gateways.web.rig import running

ACME = "/api/v1/tenants/acme"


async def test_a_changed_setting_is_in_force_at_once_and_leaves_currency_and_country() -> None:
    async with running() as rig:
        acme = await rig.tenant(settings={"party_id": "ACM"})
        body = {"name": "Acme AG", "time_zone": "Europe/Vienna", "unknown_stations": "inbox", "settings": {"boot": "Pending"}}
        changed = await acme.put(ACME, json=body)
        assert changed.status_code == 200, changed.text
        shown = (await acme.get(ACME)).json()
        assert {name: shown[name] for name in body} == body
        assert (shown["currency"], shown["country"]) == ("EUR", "DE")
        card = rig.cards.tenant("acme")
        assert card is not None
        assert (card.unknown_stations, card.settings) == ("inbox", {"boot": "Pending"})
        events = len(rig.rows.events)
        assert (await acme.put(ACME, json=body)).status_code == 200
        assert len(rig.rows.events) == events, "the same settings again are no news"


async def test_a_setting_that_does_not_exist_or_does_not_fit_is_named_with_the_way_out() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        settings = {"heartbeat_intervall": 60, "boot": "Maybe", "zzz": 1}
        answer = await acme.put(ACME, json={"time_zone": "Mars/Base", "settings": settings})
        assert answer.status_code == 400
        told = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
        assert "heartbeat_interval" in told["/settings/heartbeat_intervall"]
        assert set(told) == {"/time_zone", "/settings/heartbeat_intervall", "/settings/boot", "/settings/zzz"}
        assert (await acme.put(ACME, json={"currency": "CHF"})).status_code == 400


async def test_a_viewer_changes_nothing_and_another_brand_sees_nothing() -> None:
    async with running() as rig:
        await rig.tenant()
        other = await rig.tenant("other")
        viewer = rig.client(await rig.api_token("acme", "viewer"))
        assert (await viewer.put(ACME, json={})).status_code == 403
        assert (await viewer.get(f"{ACME}/audit")).status_code == 403
        assert (await other.put(ACME, json={})).status_code == 404
        assert (await other.get(f"{ACME}/audit")).status_code == 404


async def test_the_audit_log_says_who_did_what_newest_first_page_by_page() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        for station in ("CS1", "CS2", "CS3"):
            assert (await acme.put(f"{ACME}/stations/{station}", json={"evses": 1})).status_code == 201
        first = (await acme.get(f"{ACME}/audit", params={"limit": 2})).json()
        assert [line["subject"].rpartition("/")[2] for line in first["items"]] == ["CS3", "CS2"]
        assert first["items"][0]["action"] == "put_station"
        assert first["items"][0]["who"]
        rest = (await acme.get(f"{ACME}/audit", params={"cursor": first["next"]})).json()
        assert rest["items"][0]["subject"].endswith("CS1")
