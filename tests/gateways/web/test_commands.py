"""Commands through the API: the caller's words, the station's version, and every way it can fail."""

from collections.abc import Callable
from typing import Any

import httpx
import trio

from actors.model.intents import CommandFailure, CommandResult, Unsupported
from actors.model.rows import VariableRow
from actors.station import messages as m
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE

S = "/api/v1/tenants/acme/stations/CS1"


class ScriptedLine:
    """A line whose station gives a fixed outcome; `wire` may be an Unsupported."""

    generation = 1
    protocol = "ocpp1.6"

    def __init__(self, rig: Rig, outcome: CommandResult | CommandFailure, wire: Any = None) -> None:
        self.rig = rig
        self.outcome = outcome
        self.wire = wire
        self.calls: list[tuple[str, m.WireCall]] = []

    def learn(self, boot: Any) -> None:
        pass

    def render(self, intent: Any) -> Any:
        return self.wire or m.WireCall(type(intent).__name__, b'{"type":"Hard","AuthorizationKey":"x"}')

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        self.calls.append((command, wire))
        self.rig.system.tell(("acme", "station", "CS1"), m.CommandDone(command, 1, self.outcome))

    def close(self, code: int, reason: str) -> None:
        return None


async def connected(rig: Rig, line: Callable[[Rig], ScriptedLine]) -> tuple[httpx.AsyncClient, ScriptedLine]:
    acme = await rig.tenant()
    await acme.put(S)
    made = line(rig)
    await rig.system.ask(("acme", "station", "CS1"), m.Connected(made, "ocpp1.6", 1, "10.0.0.7"), deadline=PATIENCE)
    await rig.system.ask(("acme", "station", "CS1"), m.Boot("V", "M"), deadline=PATIENCE)
    return acme, made


async def test_a_command_answers_with_what_was_sent_and_the_result_in_the_callers_words() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted")))
        answer = await acme.post(f"{S}/commands/Reset", json={"type": "Hard"})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["action"], body["protocol"], body["result"]) == ("Reset", "ocpp1.6", {"status": "Accepted"})
        assert (body["translated"], body["lost"]) == (False, [])
        assert body["sent"]["type"] == "Hard"
        assert len(line.calls) == 1


async def test_more_items_than_the_station_says_that_it_takes_are_refused_where_they_begin() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted")))
        bound = [{"type": "Actual", "value": "2"}]
        row = VariableRow(
            tenant="acme", station="CS1", component="DeviceDataCtrlr", variable="ItemsPerMessage", attributes=bound,
            variable_instance="GetVariables",
        )  # fmt: skip
        rig.rows.write(1, [row])
        refs = [{"component": {"name": "C"}, "variable": {"name": f"V{n}"}} for n in range(3)]
        answer = await acme.post(f"{S}/commands/GetVariables", json={"getVariableData": refs})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/getVariableData/2"), answer.text
        assert not line.calls
        answer = await acme.post(f"{S}/commands/GetVariables", json={"getVariableData": refs[:2]})
        assert answer.status_code == 200, answer.text


async def test_a_command_under_one_idempotency_key_is_sent_to_the_station_once() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted")))
        key = {"Idempotency-Key": "k-1"}
        first = await acme.post(f"{S}/commands/Reset", json={"type": "Hard"}, headers=key)
        again = await acme.post(f"{S}/commands/Reset", json={"type": "Hard"}, headers=key)
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(line.calls) == 1
        other = await acme.post(f"{S}/commands/Reset", json={"type": "Soft"}, headers=key)
        assert (other.status_code, other.json()["type"]) == (422, "urn:voltroupe:problem:idempotency-mismatch")


async def test_an_absent_station_is_409_and_an_unknown_one_404() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(S)
        assert (await acme.post(f"{S}/commands/Reset", json={"type": "Hard"})).status_code == 409
        assert (await acme.post(f"{S}x/commands/Reset", json={"type": "Hard"})).status_code == 404


async def test_a_station_that_does_not_answer_is_504_and_one_that_answers_an_error_502() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandFailure("timeout")))
        assert (await acme.post(f"{S}/commands/ClearCache")).status_code == 504
        line.outcome = CommandFailure("error", "NotImplemented", "I do not know that")
        answer = await acme.post(f"{S}/commands/ClearCache", json={})
        assert (answer.status_code, answer.json()["type"]) == (502, "urn:voltroupe:problem:station-error")
        assert answer.json()["station_error"]["code"] == "NotImplemented"


async def test_what_the_stations_version_cannot_carry_is_422_and_names_the_field() -> None:
    async with running() as rig:
        wire = Unsupported("1.6 has no such thing", "profile.id")
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted"), wire))
        answer = await acme.post(f"{S}/commands/Reset", json={"type": "Hard"})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:voltroupe:problem:not-carried")
        assert answer.json()["errors"][0]["pointer"] == "/profile/id"
        assert line.calls == []


async def test_an_unknown_action_is_404_and_a_wrong_payload_points_at_every_field() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted")))
        unknown = await acme.post(f"{S}/commands/MakeCoffee", json={})
        assert unknown.status_code == 404
        assert "RemoteStartTransaction" in unknown.json()["detail"]
        wrong = await acme.post(f"{S}/commands/RemoteStartTransaction", json={"connectorId": "one", "colour": 1})
        assert sorted(error["pointer"] for error in wrong.json()["errors"]) == ["/colour", "/connectorId", "/idTag"]
        assert (await acme.post(f"{S}/commands/Reset", json=[1])).status_code == 400
        assert line.calls == []


async def test_the_vocabulary_lists_the_commands_of_every_version_with_their_schemas() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        for version, number in (("ocpp1.5", 15), ("ocpp1.6", 19 + 7), ("ocpp2.0.1", 40)):
            items = (await acme.get("/api/v1/commands", params={"version": version})).json()["items"]
            assert len(items) == number
            assert all(item["request"]["type"] == "object" for item in items)
        assert len((await acme.get("/api/v1/commands")).json()["items"]) == 15 + 26 + 40


async def test_two_requests_under_one_key_at_the_same_time_do_it_once() -> None:
    async with running() as rig:
        acme, line = await connected(rig, lambda rig: ScriptedLine(rig, CommandResult("Accepted")))
        statuses = []

        async def one() -> None:
            answer = await acme.post(f"{S}/commands/Reset", json={"type": "Hard"}, headers={"Idempotency-Key": "k"})
            statuses.append(answer.status_code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(one)
        assert sorted(statuses) in ([200, 409], [200, 200])
        assert len(line.calls) == 1
