"""Block N, the device model watched: monitors, reports of them, events and alerts."""

import itertools
from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, Csms, Station, case, now

# -- monitors --------------------------------------------------------------------------------------------------------------

TEMPERATURE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}
POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


def monitor(id: int, type: str = "UpperThreshold", value: float = 70, severity: int = 4) -> dict[str, Any]:
    return {"id": id, "type": type, "value": value, "severity": severity, "transaction": False}


async def tells_monitors(station: Station, request_id: int, *parts: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    for seq, (where, found) in enumerate(parts):
        part = {
            "requestId": request_id, "seqNo": seq, "tbc": seq < len(parts) - 1, "generatedAt": now(),
            "monitor": [{**where, "variableMonitoring": found}],
        }  # fmt: skip
        assert await station.call("NotifyMonitoringReport", part) == {}


async def monitors(station: Station, *ids: int) -> list[dict[str, Any]]:
    """The book of monitors once it holds exactly these."""
    wanted = sorted(ids)
    rows = await station.csms.until(
        lambda: station.book("monitor"), lambda rows: sorted(row["id"] for row in rows.values()) == wanted
    )
    return sorted(rows.values(), key=lambda row: row["id"])  # type: ignore[no-any-return]


ASKED: dict[str, dict[str, Any]] = {
    "TC_N_01": {"monitoringCriteria": ["ThresholdMonitoring", "PeriodicMonitoring"]},
    "TC_N_02": {"componentVariable": [TEMPERATURE]},
    "TC_N_03": {"monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [TEMPERATURE]},
    "TC_N_47": {},
    "TC_N_60": {"monitoringCriteria": ["ThresholdMonitoring"], "componentVariable": [TEMPERATURE, POWER]},
}


@case(*ASKED)
@pytest.mark.parametrize("id", ASKED)
async def test_monitors_are_reported_by_what_was_asked_for(csms: Csms, id: str) -> None:
    answers = {"GetMonitoringReport": ACCEPTED, "SetVariableMonitoring": set_to("Accepted", 9)}
    async with csms.station(answers=answers) as station:
        await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE)]})
        await monitors(station, 9)
        payload = {"requestId": 401, **ASKED[id]}
        told = await station.command("GetMonitoringReport", payload)
        assert told["result"]["status"] == "Accepted"
        assert station.said("GetMonitoringReport") == [payload]
        await tells_monitors(station, 401, (TEMPERATURE, [monitor(1), monitor(2, "Delta", 5, 8)]), (POWER, [monitor(3)]))
        rows = await monitors(station, *([1, 2, 3] if id == "TC_N_47" else [1, 2, 3, 9]))
        first = rows[0]
        assert (first["type"], first["value"], first["severity"]) == ("UpperThreshold", 70, 4)
        assert (first["component"], first["variable"]) == ({"name": "EVSE", "evse": 1}, {"name": "Temperature"})
        assert rows[2]["variable"] == {"name": "Power"}


@case("TC_N_47")
async def test_a_station_without_monitors_says_so(csms: Csms) -> None:
    async with csms.station(answers={"GetMonitoringReport": {"status": "EmptyResultSet"}}) as station:
        told = await station.command("GetMonitoringReport", {"requestId": 402})
        assert told["result"]["status"] == "EmptyResultSet"
        assert await station.book("monitor") == {}


@case("TC_N_05")
@pytest.mark.parametrize("base", ["All", "FactoryDefault", "HardWiredOnly"])
async def test_after_another_monitoring_base_the_station_is_asked_what_it_has(csms: Csms, base: str) -> None:
    answers = {"SetMonitoringBase": ACCEPTED, "GetMonitoringReport": ACCEPTED, "SetVariableMonitoring": set_to("Accepted", 9)}
    async with csms.station(answers=answers) as station:
        await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE)]})
        told = await station.command("SetMonitoringBase", {"monitoringBase": base})
        assert told["result"]["status"] == "Accepted"
        assert station.said("SetMonitoringBase") == [{"monitoringBase": base}]
        asked = await station.hears("GetMonitoringReport")
        assert set(asked) == {"requestId"}
        await tells_monitors(station, asked["requestId"], (POWER, [monitor(3)]))
        await monitors(station, 3)


def setting(where: dict[str, Any], type: str = "UpperThreshold", value: float = 70, **more: Any) -> dict[str, Any]:
    return {"type": type, "value": value, "severity": 4, **where, **more}


def set_to(status: str, first: int = 1) -> Any:
    """Answers SetVariableMonitoring: monitors are numbered from `first`."""
    ids = itertools.count(first)

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        results = []
        for one in payload["setMonitoringData"]:
            told = {name: one[name] for name in ("type", "severity", "component", "variable")} | {"status": status}
            results.append(told | ({"id": one.get("id", next(ids))} if status == "Accepted" else {}))
        return {"setMonitoringResult": results}

    return answer


@case("TC_N_08", "TC_N_24")
@pytest.mark.parametrize(
    ("type", "value"),
    [("UpperThreshold", 70), ("LowerThreshold", -5.5), ("Delta", 2), ("Periodic", 60), ("PeriodicClockAligned", 900)],
)
async def test_a_monitor_is_set_and_kept_by_the_id_that_the_station_gave_it(csms: Csms, type: str, value: float) -> None:
    async with csms.station(answers={"SetVariableMonitoring": set_to("Accepted", 5)}) as station:
        data = setting(TEMPERATURE, type, value, transaction=True)
        told = await station.command("SetVariableMonitoring", {"setMonitoringData": [data]})
        result = told["result"]["setMonitoringResult"][0]
        assert (result["status"], result["id"], result["type"]) == ("Accepted", 5, type)
        (heard,) = station.said("SetVariableMonitoring")[0]["setMonitoringData"]
        assert heard == data
        (row,) = await monitors(station, 5)
        assert (row["type"], row["value"], row["transaction"]) == (type, value, True)


@case("TC_N_08")
@pytest.mark.parametrize("status", ["UnknownVariable", "UnsupportedMonitorType", "Rejected", "Duplicate"])
async def test_a_monitor_that_the_station_does_not_set_is_none(csms: Csms, status: str) -> None:
    async with csms.station(answers={"SetVariableMonitoring": set_to(status)}) as station:
        told = await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE)]})
        assert told["result"]["setMonitoringResult"][0]["status"] == status
        assert await station.book("monitor") == {}


@case("TC_N_16", "TC_N_17")
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_the_monitoring_level_is_set(csms: Csms, status: str) -> None:
    async with csms.station(answers={"SetMonitoringLevel": {"status": status}}) as station:
        for severity in (0, 4, 9):
            told = await station.command("SetMonitoringLevel", {"severity": severity})
            assert told["result"]["status"] == status
            assert station.said("SetMonitoringLevel")[-1] == {"severity": severity}
        for severity in (-1, 10):
            answer = await station.try_command("SetMonitoringLevel", {"severity": severity})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/severity"), answer.text
        assert len(station.said("SetMonitoringLevel")) == 3, "what is out of range is not sent"


@case("TC_N_18", "TC_N_44")
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "NotFound"])
async def test_a_monitor_is_cleared_unless_the_station_refuses(csms: Csms, status: str) -> None:
    answers = {
        "SetVariableMonitoring": set_to("Accepted", 1),
        "ClearVariableMonitoring": {"clearMonitoringResult": [{"id": 1, "status": status}]},
    }
    async with csms.station(answers=answers) as station:
        await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE), setting(POWER)]})
        await monitors(station, 1, 2)
        told = await station.command("ClearVariableMonitoring", {"id": [1]})
        assert told["result"]["clearMonitoringResult"] == [{"id": 1, "status": status}]
        assert station.said("ClearVariableMonitoring") == [{"id": [1]}]
        await monitors(station, *([1, 2] if status == "Rejected" else [2]))


# -- events ----------------------------------------------------------------------------------------------------------------


async def tells_event(station: Station, id: int, value: str, trigger: str, kind: str, **more: Any) -> None:
    event = {
        "eventId": id, "timestamp": now(), "trigger": trigger, "actualValue": value, "eventNotificationType": kind,
        **TEMPERATURE, **more,
    }  # fmt: skip
    part = {"generatedAt": now(), "seqNo": 0, "tbc": False, "eventData": [event]}
    assert await station.call("NotifyEvent", part) == {}


async def alerts(station: Station, count: int) -> list[dict[str, Any]]:
    rows = await station.csms.until(lambda: station.book("alert"), lambda rows: len(rows) == count)
    return sorted(rows.values(), key=lambda row: row["event_id"])


async def value(station: Station) -> str | None:
    found = await station.csms.until(lambda: station.variable("EVSE", "Temperature"))
    told: str | None = found["attributes"][0]["value"]
    return told


@case("TC_N_21")
@pytest.mark.parametrize("kind", ["HardWiredMonitor", "HardWiredNotification", "PreconfiguredMonitor", "CustomMonitor"])
async def test_an_alert_is_active_until_it_is_cleared(csms: Csms, kind: str) -> None:
    async with csms.station(answers={"SetVariableMonitoring": set_to("Accepted", 7)}) as station:
        await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE, severity=2)]})
        await monitors(station, 7)
        more = {"techCode": "E17", "techInfo": "fan", "variableMonitoringId": 7}
        await tells_event(station, 1, "81.5", "Alerting", kind, **more)
        (alert,) = await alerts(station, 1)
        assert (alert["value"], alert["kind"], alert["monitor"], alert["severity"]) == ("81.5", kind, 7, 2)
        assert (alert["tech_code"], alert["tech_info"]) == ("E17", "fan")
        assert (alert["component"], alert["variable"]) == ({"name": "EVSE", "evse": 1}, {"name": "Temperature"})
        assert await value(station) == "81.5"
        await tells_event(station, 2, "60", "Alerting", kind, cleared=True, variableMonitoringId=7)
        await alerts(station, 0)
        assert await csms.until(lambda: value(station), lambda told: told == "60")


@case("TC_N_49")
@pytest.mark.parametrize(("type", "hot"), [("UpperThreshold", "81"), ("LowerThreshold", "-20")])
async def test_a_reboot_ends_alerts_and_what_still_holds_is_told_anew(csms: Csms, type: str, hot: str) -> None:
    async with csms.station(answers={"SetVariableMonitoring": set_to("Accepted", 3)}) as station:
        await station.command("SetVariableMonitoring", {"setMonitoringData": [setting(TEMPERATURE, type)]})
        await monitors(station, 3)
        await tells_event(station, 1, hot, "Alerting", "CustomMonitor", variableMonitoringId=3)
        await alerts(station, 1)
        identity = station.identity
    async with csms.connected(identity) as again:
        await again.boot(reason="PowerUp")
        await alerts(again, 0)
        await tells_event(again, 2, "20", "Alerting", "CustomMonitor", variableMonitoringId=3, cleared=True)
        assert await csms.until(lambda: value(again), lambda told: told == "20")
        await alerts(again, 0)
        await tells_event(again, 3, hot, "Alerting", "CustomMonitor", variableMonitoringId=3)
        (alert,) = await alerts(again, 1)
        assert alert["event_id"] == 3
        await monitors(again, 3)


@case("TC_N_50")
async def test_a_periodic_event_is_a_value_and_no_alert(csms: Csms) -> None:
    async with csms.station(answers={"SetVariableMonitoring": set_to("Accepted", 4)}) as station:
        data = [setting(TEMPERATURE, "Periodic", 60)]
        await station.command("SetVariableMonitoring", {"setMonitoringData": data})
        for id, told in enumerate(("20.5", "21.0", "21.5"), start=1):
            await tells_event(station, id, told, "Periodic", "CustomMonitor", variableMonitoringId=4)
            assert await csms.until(lambda: value(station), lambda now, told=told: now == told)  # type: ignore[misc]
        assert await station.book("alert") == {}


@case("N07_events in parts")
async def test_events_in_parts_are_taken_once_and_a_repeated_part_changes_nothing(csms: Csms) -> None:
    async with csms.station() as station:

        def event(id: int, variable: str) -> dict[str, Any]:
            return {
                "eventId": id, "timestamp": "2026-03-01T12:00:00Z", "trigger": "Alerting", "actualValue": "true",
                "eventNotificationType": "HardWiredNotification", "component": {"name": "ChargingStation"},
                "variable": {"name": variable},
            }  # fmt: skip

        parts = [
            {"generatedAt": now(), "seqNo": 0, "tbc": True, "eventData": [event(1, "Problem"), event(2, "Tampered")]},
            {"generatedAt": now(), "seqNo": 1, "tbc": False, "eventData": [event(3, "Overheated")]},
        ]
        for part in (*parts, *parts):
            assert await station.call("NotifyEvent", part) == {}
        rows = await alerts(station, 3)
        assert [(row["event_id"], row["variable"]["name"]) for row in rows] == [
            (1, "Problem"), (2, "Tampered"), (3, "Overheated"),
        ]  # fmt: skip
