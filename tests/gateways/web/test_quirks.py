"""Quirks through the API: the registry as data and as a page, and what a station was seen to do."""

from datetime import UTC, datetime

from actors.model.rows import QuirkRow
from gateways.ocpp.quirks import ours
from tests.gateways.web.rig import running

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


async def test_the_registry_is_data_in_order_of_its_numbers() -> None:
    async with running() as rig:
        items = (await rig.anyone.get("/api/v1/quirks")).json()["items"]
        assert {item["id"] for item in items} == {quirk.id for quirk in ours().quirks}
        numbers = [item["number"] for item in items]
        assert numbers == sorted(numbers)
        keba = next(item for item in items if item["id"] == "keba-serial")
        assert (keba["vendor"], keba["tier"], keba["does"]) == ("keba*", "repair", {"tag_serial": True})
        words = next(item for item in items if item["id"] == "v16-words")
        assert words["does"]["enum"]["status"]["aliases"]["Free"] == "Available"


async def test_the_registry_is_a_page_to_read() -> None:
    async with running() as rig:
        answer = await rig.anyone.get("/api/v1/docs/quirks")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        for word in ("keba-serial", "avoid_triggers", "tag_serial", "quirks"):
            assert word in answer.text
        assert answer.text.count("<tr") == answer.text.count("</tr>")
        assert "/api/v1/docs/quirks" in (await rig.anyone.get("/api/v1/docs")).text


async def test_a_station_shows_what_it_was_seen_to_do_to_its_own_tenant() -> None:
    async with running() as rig:
        acme, other = await rig.tenant("acme"), await rig.tenant("other")
        for client, tenant in ((acme, "acme"), (other, "other")):
            assert (await client.put(f"/api/v1/tenants/{tenant}/stations/s1", json={"evses": 1})).status_code == 201
        for _ in range(2):
            rig.sink.put(QuirkRow(tenant="acme", station="s1", quirk="words", tier="repair", count=1, first_at=AT, last_at=AT))
        shown = (await acme.get("/api/v1/tenants/acme/stations/s1")).json()["quirks"]
        at = "2026-11-22T10:00:00Z"
        assert shown == [{"id": "words", "tier": "repair", "count": 2, "first_at": at, "last_at": at}]
        assert (await other.get("/api/v1/tenants/other/stations/s1")).json()["quirks"] == []
