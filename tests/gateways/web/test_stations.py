"""Stations through the API: registering, secrets shown once, live state, import, inbox, bad input field by field."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from actors.model.rows import InboxRow
from actors.ports import TraceRow
from actors.station import messages as m
from actors.station.auth import verify_secret
from gateways.web import limits, validate
from gateways.web.validate import pointer_join
from tests.gateways.web.rig import Rig, running, serving
from tests.kits.patience import PATIENCE, http_client

STATIONS = "/api/v1/tenants/acme/stations"
CSV = {"content-type": "text/csv"}


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def connect(rig: Rig, station: str) -> None:
    line = QuietLine()
    await rig.system.ask(("acme", "station", station), m.Connected(line, "ocpp1.6", 1, "10.0.0.7"), deadline=PATIENCE)


class QuietLine:
    generation = 1
    protocol = "ocpp1.6"

    def learn(self, boot: Any) -> None:
        pass

    def render(self, intent: Any) -> Any:
        return m.WireCall("Reset", b'{"type":"Soft"}')

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        return None

    def close(self, code: int, reason: str) -> None:
        return None


async def test_a_new_station_without_auth_gets_a_password_that_is_shown_once_and_stored_as_a_hash() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        made = await acme.put(f"{STATIONS}/CS1", json={"evses": 2})
        assert made.status_code == 201
        assert made.headers["Location"] == f"{STATIONS}/CS1"
        auth = made.json()["auth"]
        assert auth["profile"] == 1
        card = rig.cards.station("acme", "CS1")
        assert card is not None
        assert verify_secret(card.secret, auth["password"].encode())
        assert auth["password"] not in repr(rig.rows.__dict__)
        assert (await acme.get(f"{STATIONS}/CS1")).json()["auth"] == {"profile": 1}


async def test_a_change_without_auth_keeps_the_secret_and_auth_without_a_password_makes_a_new_one() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        first = (await acme.put(f"{STATIONS}/CS1", json={"evses": 1})).json()["auth"]["password"]
        changed = await acme.put(f"{STATIONS}/CS1", json={"evses": 3})
        assert (changed.status_code, changed.json()["auth"]) == (200, {"profile": 1})
        card = rig.cards.station("acme", "CS1")
        assert card is not None
        assert verify_secret(card.secret, first.encode())
        second = (await acme.put(f"{STATIONS}/CS1", json={"auth": {"profile": 1}})).json()["auth"]["password"]
        card = rig.cards.station("acme", "CS1")
        assert card is not None
        assert verify_secret(card.secret, second.encode())
        assert not verify_secret(card.secret, first.encode())


async def test_profile_0_is_an_explicit_choice_that_later_changes_keep() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        assert (await acme.put(f"{STATIONS}/CS1", json={"auth": {"profile": 0}})).json()["auth"] == {"profile": 0}
        assert (await acme.put(f"{STATIONS}/CS1", json={"evses": 2})).json()["auth"] == {"profile": 0}


async def test_profile_3_has_no_password_but_a_certificate() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        assert (await acme.put(f"{STATIONS}/CS1", json={"auth": {"profile": 3}})).json()["auth"] == {"profile": 3}
        card = rig.cards.station("acme", "CS1")
        assert (card.profile, card.secret) == (3, None)


async def test_each_evse_gets_a_permanent_opaque_code_that_survives_changes() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        codes = [evse["code"] for evse in (await acme.put(f"{STATIONS}/CS1", json={"evses": 2})).json()["evses"]]
        assert len(set(codes)) == 2
        again = [evse["code"] for evse in (await acme.put(f"{STATIONS}/CS1", json={"evses": 3})).json()["evses"]]
        assert again[:2] == codes
        assert len(set(again)) == 3
        fewer = (await acme.put(f"{STATIONS}/CS1", json={"evses": 1})).json()["evses"]
        assert [evse["code"] for evse in fewer] == codes[:1]


async def test_reading_a_station_asks_its_actor_for_what_lives() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{STATIONS}/CS1")
        assert (await acme.get(f"{STATIONS}/CS1")).json()["connection"]["state"] == "offline"
        await connect(rig, "CS1")
        await rig.system.ask(("acme", "station", "CS1"), m.Boot("Vendor", "Model"), deadline=PATIENCE)
        status = m.ConnectorStatus(1, 1, "Available", "Available", at=datetime.now(UTC))
        await rig.system.ask(("acme", "station", "CS1"), status, deadline=PATIENCE)
        live = (await acme.get(f"{STATIONS}/CS1")).json()
        assert live["connection"]["state"] == "online"
        assert (live["connection"]["protocol"], live["connection"]["generation"]) == ("ocpp1.6", 1)
        assert live["connection"]["since"].endswith("Z")
        assert live["boot"]["vendor"] == "Vendor"
        assert live["evses"][0]["status"] == "Available"
        assert live["evses"][0]["connectors"][0]["status"] == "Available"


async def test_an_evse_that_a_station_was_not_registered_with_is_shown_beside_its_own() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{STATIONS}/CS1")
        await rig.system.ask(("acme", "station", "CS1"), m.Boot("Vendor", "Model"), deadline=PATIENCE)
        for evse in (2, 3):
            told = m.ConnectorStatus(evse, 1, "Occupied", "Charging")
            assert await rig.system.ask(("acme", "station", "CS1"), told, deadline=PATIENCE) == m.Done()
        shown = (await acme.get(f"{STATIONS}/CS1")).json()
        assert [evse["id"] for evse in shown["evses"]] == [1]
        assert [(evse["id"], evse["status"], evse["detail"]) for evse in shown["unregistered_evses"]] == [
            (2, "Occupied", "Charging"),
            (3, "Occupied", "Charging"),
        ]
        grown = (await acme.put(f"{STATIONS}/CS1", json={"evses": 2})).json()
        assert [evse["id"] for evse in grown["unregistered_evses"]] == [3]


async def test_every_wrong_field_of_a_station_is_pointed_at() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        body = {"evses": "two", "auth": {"profile": 7, "password": "x"}, "versions": ["ocpp9"], "colour": "red", "location": []}
        answer = await acme.put(f"{STATIONS}/CS1", json=body)
        found = pointers(answer)
        assert sorted(found) == ["/auth/password", "/auth/profile", "/colour", "/evses", "/location", "/versions/0"]
        body = {"tariff": "none", "auth": {"profile": 3, "password": "a-password"}, "location": {"time_zone": "Mars/Olympus"}}
        assert sorted(pointers(await acme.put(f"{STATIONS}/CS1", json=body))) == [
            "/auth/password",
            "/location/time_zone",
            "/tariff",
        ]
        body = {"location": {"directions": "x" * limits.LOCATION_BYTES}}
        assert pointers(await acme.put(f"{STATIONS}/CS1", json=body)) == ["/location"]
        assert (await acme.get(f"{STATIONS}/CS1")).status_code == 404


async def test_a_body_of_very_many_right_parts_and_a_wrong_one_is_looked_through_without_a_pointer_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It made one for every part: a second of the loop for a body of a megabyte."""
    made: list[object] = []

    def counted(pointer: str, part: object) -> str:
        made.append(part)
        return pointer_join(pointer, part)

    monkeypatch.setattr(validate, "pointer_join", counted)
    async with running() as rig:
        acme = await rig.tenant()
        versions: list[Any] = ["ocpp1.6"] * 50_000
        answer = await acme.put(f"{STATIONS}/CS1", json={"versions": [*versions, "ocpp9"]})
        assert pointers(answer) == ["/versions/50000"]
        assert len(made) < 20


async def test_bodies_that_are_no_json_or_hold_nul_or_are_too_large_are_refused_by_name() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        for content in (b"{", b"[,{", b'{"evses":}', b"\xff\xfe", b'{"location":{"city":"\\ud800"}}'):
            answer = await acme.put(f"{STATIONS}/CS1", content=content)
            assert (answer.status_code, answer.json()["type"]) == (400, "urn:voltroupe:problem:malformed-body"), content
        assert pointers(await acme.put(f"{STATIONS}/CS1", content=b'{"location":{"a/b":"x\\u0000y"}}')) == ["/location/a~1b"]
        assert (await acme.put(f"{STATIONS}/CS1", content=b"[" * 100_000)).status_code == 400
        large = b'{"location":{"city":"' + b"x" * 2_000_000 + b'"}}'
        assert (await acme.put(f"{STATIONS}/CS1", content=large)).status_code == 413
        answer = await acme.put(f"{STATIONS}/CS1", content=b"<a/>", headers={"content-type": "application/xml"})
        assert answer.status_code == 415


async def test_identities_with_slashes_are_written_as_2f_and_odd_ones_are_refused() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        made = await acme.put(f"{STATIONS}/site%2F7%2FCS%231")
        assert made.status_code == 400  # '#' is refused: it separates the EVSE in addresses
        assert (await acme.put(f"{STATIONS}/site%2F7")).json()["id"] == "site/7"
        assert (await acme.get(f"{STATIONS}/site%2f7")).json()["id"] == "site/7"
        assert (await acme.get(f"{STATIONS}/site/7")).status_code == 404
        for bad in ("inbox", "import", "a%20b", "a%00b", "x" * 49):
            assert (await acme.put(f"{STATIONS}/{bad}")).status_code == 400, bad


async def test_an_identity_with_a_colon_is_refused_where_basic_authentication_would_cut_it() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        refused = await acme.put(f"{STATIONS}/CS:1", json={"evses": 1})
        assert refused.status_code == 400
        assert "colon" in refused.json()["errors"][0]["detail"]
        assert (await acme.put(f"{STATIONS}/CS:1", json={"auth": {"profile": 0}})).status_code == 201
        report = (await acme.post(f"{STATIONS}/import", content=b"station,evses\nCS2,1\nCS:3,1\n", headers=CSV)).json()
        assert (report["created"], report["failed"]) == (1, 1)
        assert "colon" in report["stations"][1]["error"]


async def test_a_slash_in_an_identity_survives_the_real_server_and_imports_may_be_larger_than_other_bodies() -> None:
    async with serving() as (rig, url):
        token = (await rig.owner.post("/api/v1/tenants", json={"id": "acme", "currency": "EUR", "country": "DE"})).json()["token"]
        async with http_client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as acme:
            assert (await acme.put(f"{STATIONS}/site%2F7")).status_code == 201
            assert (await acme.get(f"{STATIONS}/site%2F7/messages")).json()["items"] == []
            text = "station,name\n" + "".join(f"B{n},{'x' * 30_000}\n" for n in range(60))
            report = await acme.post(f"{STATIONS}/import", content=text, headers=CSV)
            assert (report.status_code, report.json()["created"]) == (200, 60)
            assert (await acme.post(f"{STATIONS}/import", content=text * 5, headers=CSV)).status_code == 413
            assert (await acme.put(f"{STATIONS}/B1", content=text)).status_code == 413


async def test_lists_are_paged_and_filtered_and_say_so_when_a_parameter_is_wrong() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        for n in range(5):
            await acme.put(f"{STATIONS}/CS{n}", json={"location": {"city": "Kiel" if n % 2 else "Bonn"}})
        await connect(rig, "CS3")
        seen, cursor = [], None
        for _ in range(3):
            page = (await acme.get(STATIONS, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
        assert (seen, cursor) == (["CS0", "CS1", "CS2", "CS3", "CS4"], None)
        kiel = (await acme.get(STATIONS, params={"q": "kiel"})).json()
        assert [item["id"] for item in kiel["items"]] == ["CS1", "CS3"]
        for params in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"stat": "online"}, {"status": "happy"}, {"cursor": "zz"}):
            answer = await acme.get(STATIONS, params=params)
            assert answer.status_code == 400, params
            assert answer.json()["errors"][0]["parameter"] == next(iter(params))


async def test_a_csv_is_imported_whole_with_generated_passwords() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        text = "station,evses,city,latitude,longitude,profile\nA1,2,Köln,50.9,6.9,\nA2,1,,,,0\n\n"
        report = (await acme.post(f"{STATIONS}/import", content=text.encode("utf-8-sig"), headers=CSV)).json()
        assert (report["created"], report["updated"], report["failed"]) == (2, 0, 0)
        assert len(report["stations"][0]["password"]) == 20
        assert "password" not in report["stations"][1]
        one = (await acme.get(f"{STATIONS}/A1")).json()
        assert one["location"] == {"city": "Köln", "coordinates": {"latitude": "50.9", "longitude": "6.9"}}
        again = (await acme.post(f"{STATIONS}/import", content=text.encode(), headers=CSV)).json()
        assert (again["created"], again["updated"]) == (0, 2)


async def test_a_csv_with_semicolons_is_read_as_well() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        text = "\ufeffstation;evses;city\r\nA1;2;Frankfurt, Main\r\n"
        assert (await acme.post(f"{STATIONS}/import", content=text.encode(), headers=CSV)).json()["created"] == 1
        (station,) = (await acme.get(STATIONS)).json()["items"]
        assert (station["evses"], station["location"]["city"]) == (2, "Frankfurt, Main")


async def test_a_csv_with_a_wrong_line_writes_nothing_and_points_at_line_and_column() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        text = "station,evses,tariff\nA1,2,\nA1,many,\nB B,1,gold\nC1,1\n"
        answer = await acme.post(f"{STATIONS}/import", content=text, headers=CSV)
        assert sorted(pointers(answer)) == ["/3/evses", "/3/station", "/4/station", "/4/tariff", "/5"]
        assert (await acme.get(STATIONS)).json()["items"] == []
        for text in ("", "name\nx\n", "station,station\n", "station,wat\n", 'station\n"A', "station,evses\nA1\n"):
            assert (await acme.post(f"{STATIONS}/import", content=text, headers=CSV)).status_code == 400, text


async def test_an_unknown_station_waits_in_the_inbox_until_it_is_adopted() -> None:
    async with running() as rig:
        acme = await rig.tenant(unknown_stations="inbox")
        now = datetime.now(UTC)
        rig.sink.put(
            InboxRow(tenant="acme", station="X9", first_seen=now, last_seen=now, attempts=1, protocol="ocpp1.6", peer="10.1.1.1")
        )
        waiting = (await acme.get(f"{STATIONS}/inbox")).json()["items"]
        assert [(item["station"], item["attempts"]) for item in waiting] == [("X9", 1)]
        assert (await acme.post(f"{STATIONS}/inbox/nobody/adopt")).status_code == 404
        adopted = await acme.post(f"{STATIONS}/inbox/X9/adopt", json={"evses": 2})
        assert adopted.status_code == 201
        assert len(adopted.json()["auth"]["password"]) == 20
        assert (await acme.get(f"{STATIONS}/inbox")).json()["items"] == []


async def test_a_station_is_unregistered_once() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{STATIONS}/CS1")
        assert (await acme.delete(f"{STATIONS}/CS1")).status_code == 204
        assert (await acme.get(f"{STATIONS}/CS1")).status_code == 404
        assert (await acme.delete(f"{STATIONS}/CS1")).status_code == 404


async def test_the_trace_is_read_newest_first_and_filtered() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        for n, action in enumerate(("BootNotification", "Heartbeat", "Heartbeat")):
            rig.sink.put(
                TraceRow(
                    tenant="acme", station="CS1", at=datetime(2026, 1, 1, 0, 0, n, tzinfo=UTC), direction="in",
                    protocol="ocpp1.6", message_type="CALL", action=action, unique_id=f"m{n}", body="[]",
                )
            )  # fmt: skip
        items = (await acme.get(f"{STATIONS}/CS1/messages")).json()["items"]
        assert [item["unique_id"] for item in items] == ["m2", "m1", "m0"]
        assert items[0]["at"] == "2026-01-01T00:00:02Z"
        boots = (await acme.get(f"{STATIONS}/CS1/messages", params={"action": "BootNotification"})).json()["items"]
        assert [item["unique_id"] for item in boots] == ["m0"]
