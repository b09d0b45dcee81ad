"""The small books of a station and its device model through the API: typed entries, filters, personal reports."""

from datetime import UTC, datetime
from typing import Any

from actors.device import messages as d
from actors.model.device import Attribute, Characteristics
from actors.model.intents import VariableRef
from actors.station import messages as m
from gateways.web.api.books import BOOKS
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE

STATION = "/api/v1/tenants/acme/stations/CS1"
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def furnished(rig: Rig) -> Any:
    acme = await rig.tenant()
    await acme.put(STATION, json={"evses": 2})
    await tell(rig, m.Boot("V", "M"))
    return acme


async def tell(rig: Rig, message: Any) -> Any:
    reply = await rig.system.ask(("acme", "station", "CS1"), message, deadline=PATIENCE)
    await rig.quiet()
    return reply


async def book(acme: Any, name: str) -> list[dict[str, Any]]:
    answer = await acme.get(f"{STATION}/books/{name}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert all(item["book"] == name for item in items)
    return items


async def test_every_book_is_listed_with_its_own_fields_and_an_unknown_one_is_named() -> None:
    async with running() as rig:
        acme = await furnished(rig)
        temperature = VariableRef("Temp", "Celsius", evse=1)
        await tell(rig, m.SecurityEvent("TamperDetectionActivated", AT, "lid"))
        await tell(rig, m.FirmwareStatus("Downloading", 4))
        await tell(rig, m.LogStatus("Uploaded", 5))
        await tell(rig, d.MonitoringPart(6, 0, False, AT, (d.Monitor(temperature, 12, "UpperThreshold", 80.0, 3),)))
        event = d.DeviceEvent(1, AT, temperature, "Alerting", "85", "CustomMonitor", monitor=12, tech_code="E1")
        await tell(rig, d.EventsPart(0, False, AT, (event,)))
        (security,) = await book(acme, "security")
        assert (security["type"], security["critical"], security["at"]) == (
            "TamperDetectionActivated",
            True,
            "2026-03-02T12:00:00Z",
        )
        assert [(entry["what"], entry["status"], entry["request_id"]) for entry in await book(acme, "firmware")] == [
            ("status", "Downloading", 4)
        ]
        assert [entry["status"] for entry in await book(acme, "log")] == ["Uploaded"]
        (monitor,) = await book(acme, "monitor")
        assert (monitor["id"], monitor["component"], monitor["variable"]) == (
            12,
            {"name": "Temp", "evse": 1},
            {"name": "Celsius"},
        )
        (alert,) = await book(acme, "alert")
        assert (alert["value"], alert["severity"], alert["tech_code"]) == ("85", 3, "E1")
        assert [(entry["what"], entry["status"]) for entry in await book(acme, "report")] == [("monitors", "complete")]
        for name in BOOKS:
            await book(acme, name)
        missing = await acme.get(f"{STATION}/books/nothing")
        assert missing.status_code == 404
        assert "security" in missing.json()["detail"]
        assert (await acme.get("/api/v1/tenants/acme/stations/CS9/books/log")).status_code == 404


async def test_variables_are_found_by_component_variable_and_evse_whatever_the_case() -> None:
    async with running() as rig:
        acme = await furnished(rig)
        refs = [VariableRef("Connector", "Available", evse=evse, connector=1) for evse in (1, 2)]
        refs += [VariableRef("AuthCtrlr", "Available"), VariableRef("AuthCtrlr", "Enabled")]
        told = tuple(d.ReportedDevice(ref, (Attribute("true"),), Characteristics("boolean")) for ref in refs)
        await tell(rig, d.ReportPart(1, 0, False, AT, told))

        async def found(**query: Any) -> list[tuple[str, str, Any]]:
            answer = await acme.get(f"{STATION}/variables", params=query)
            assert answer.status_code == 200, answer.text
            return [
                (item["component"]["name"], item["variable"]["name"], item["component"].get("evse"))
                for item in answer.json()["items"]
            ]

        assert await found(component="authctrlr") == [("AuthCtrlr", "Available", None), ("AuthCtrlr", "Enabled", None)]
        assert await found(variable="AVAILABLE", evse=2) == [("Connector", "Available", 2)]
        assert await found(evse=0, variable="available") == [("AuthCtrlr", "Available", None)]
        assert (await acme.get(f"{STATION}/variables", params={"evse": "x"})).status_code == 400


async def test_a_customer_report_is_read_by_administrators_only_and_leaves_a_line() -> None:
    async with running() as rig:
        acme = await furnished(rig)
        for seq, more, text in ((1, False, " Doe"), (0, True, "Jane")):
            await tell(rig, m.CustomerReportPart(5, seq, more, text, AT))
        (entry,) = await book(acme, "customer_report")
        assert (entry["request_id"], entry["parts"], entry["complete"]) == (5, 2, True)
        answer = await acme.get(f"{STATION}/customer-reports/5")
        assert answer.json() == {"request_id": 5, "complete": True, "cut": False, "text": "Jane Doe"}
        (line,) = [line for line in rig.rows.audit if line.action == "customer_report.read"]
        assert (line.subject, line.detail["request_id"]) == ("CS1", 5)
        assert (await acme.get(f"{STATION}/customer-reports/6")).status_code == 404
        assert (await acme.get(f"{STATION}/customer-reports/x")).status_code == 400
        made = await acme.post("/api/v1/tenants/acme/api-tokens", json={"name": "reader", "role": "viewer"})
        reader = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await acme.get(f"{STATION}/customer-reports/5", headers=reader)).status_code == 403
        assert (await acme.get(f"{STATION}/books/customer_report", headers=reader)).status_code == 200
