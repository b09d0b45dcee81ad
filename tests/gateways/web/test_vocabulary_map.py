"""The map of the vocabulary: whole, and printed from the tables that the dialects use."""

from typing import get_args

from actors.model.intents import AnyIntent
from gateways.ocpp import vocabulary
from tests.gateways.web.rig import running


async def test_every_command_and_every_message_is_on_the_map() -> None:
    async with running() as rig:
        chart = (await rig.anyone.get("/api/v1/vocabulary")).json()
        assert chart["versions"] == ["ocpp2.0.1", "ocpp1.6", "ocpp1.5"]
        assert {row["name"] for row in chart["commands"]} == {kind.__name__ for kind in get_args(AnyIntent)}
        for version, words in vocabulary.WORDS.items():
            ways = [way for row in chart["commands"] for way in row["versions"][version].get("ways", ())]
            assert {way["action"] for way in ways if way.get("said", True)} == set(words.types)
        start = next(row for row in chart["commands"] if row["name"] == "RequestStart")["versions"]["ocpp1.6"]["ways"][0]
        assert {"field": "id_token", "wire": "idTag"} in start["fields"]
        assert "group" in {gap["field"] for gap in start["lost"]}
        limit = "chargingProfile.chargingSchedule.chargingSchedulePeriod[].limit"
        assert {"field": "profile.schedules[0].periods[].limit", "wire": limit, "says": "rounded down to 0.1"} in start["fields"]
        nothing = next(row for row in chart["commands"] if row["name"] == "SetMonitoringLevel")["versions"]["ocpp1.5"]
        assert nothing == {"refused": "OCPP 1.5 has no monitors"}
        assert {row["name"] for row in chart["messages"]} >= {"Boot", "TransactionEvent", "TransactionStop", "ConnectorStatus"}


async def test_the_map_is_a_page_to_read() -> None:
    async with running() as rig:
        answer = await rig.anyone.get("/api/v1/docs/vocabulary")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        text = answer.text
        for word in ("RequestStartTransaction", "RemoteStartTransaction", "HeartBeatInterval", "refused: ", "StopTransaction"):
            assert word in text
        assert text.count("<tr") == text.count("</tr>")
        assert "/api/v1/docs/vocabulary" in (await rig.anyone.get("/api/v1/docs")).text
