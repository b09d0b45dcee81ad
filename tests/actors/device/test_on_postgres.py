"""A device model on the real database: rows that come and go, what is recovered, secrets that end."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.device import messages as d
from actors.model.device import Attribute, Characteristics
from actors.model.ids import sibling_address
from actors.model.intents import CommandResult, GetBaseReport, VariableRef
from actors.station import messages as m
from actors.station.upkeep import customer_ref
from tests.actors.kit import STATION, T0, TENANT, FakeLine
from tests.actors.test_on_postgres import ADDRESS, Node, node

pytestmark = pytest.mark.postgres
__all__ = ["node"]
DEVICE = sibling_address(TENANT, "device", STATION)


def told(component: str, name: str, value: str = "1", **place: Any) -> d.ReportedDevice:
    return d.ReportedDevice(VariableRef(component, name, **place), (Attribute(value),), Characteristics("string"))


async def part(node: Node, request_id: int, seq: int, more: bool, *data: d.ReportedDevice) -> None:
    assert await node.station(d.ReportPart(request_id, seq, more, T0, data)) == m.Done()


async def variables(node: Node, **query: Any) -> list[str]:
    page = await node.queries.variables(TENANT, STATION, 1000, None, **query)
    return [f"{row.component}.{row.variable}={row.attributes[0]['value']}" for row in page.items]


async def inventory(node: Node, nursery: trio.Nursery, command: str) -> int:
    """Somebody asks for one; its request id."""
    line = FakeLine(int(command[1:]), wire=m.WireCall("GetBaseReport", b"{}"))
    await node.ask(ADDRESS, m.Connected(line, "ocpp2.0.1", line.generation, "peer"))
    answers: list[Any] = []

    async def ask() -> None:
        until = node.system.clock.now() + timedelta(days=365)
        answers.append(await node.station(m.Command(command, GetBaseReport("FullInventory"), until)))

    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        while not line.calls:
            await trio.sleep(0.02)
        node.system.tell(ADDRESS, m.CommandDone(command, line.generation, CommandResult("Accepted")))
    request: int = answers[0].request_id
    return request


async def until(holds: Any) -> None:
    with trio.fail_after(60):
        while not await holds():
            await trio.sleep(0.05)


async def test_what_a_whole_inventory_does_not_mention_leaves_the_read_model(node: Node, nursery: trio.Nursery) -> None:
    first = await inventory(node, nursery, "c1")
    await part(node, first, 0, False, *(told("Old", f"v{n}", evse=n % 3) for n in range(450)), told("Stays", "x"))
    assert len(await variables(node, component="OLD")) == 450
    second = await inventory(node, nursery, "c2")
    await part(node, second, 1, False, told("New", "x"))
    await part(node, second, 0, True, told("stays", "X", "2"))

    async def gone() -> bool:
        return not await variables(node, component="Old")

    await until(gone)
    assert await variables(node, variable="x") == ["New.x=1", "Stays.x=2"]
    report = (await node.queries.book(TENANT, STATION, "report", 10, None)).items
    assert [(row.body["status"], row.body["parts"]) for row in report] == [("complete", 1), ("complete", 2)]


async def test_a_model_is_recovered_from_its_parts_and_from_its_checkpoint(node: Node) -> None:
    for seq in range(5):
        await part(node, 9, seq, seq < 4, *(told(f"C{n % 4}", f"v{seq}-{n}", "zwölf\u0000") for n in range(30)))
    before = node.system.inspect.actor(DEVICE)["state"]
    assert await node.system.inspect.restart(DEVICE)
    await part(node, 9, 2, True)
    assert node.system.inspect.actor(DEVICE)["state"] == before
    assert await node.system.inspect.checkpoint(DEVICE)
    assert await node.system.inspect.restart(DEVICE)
    await part(node, 9, 2, True)
    after = node.system.inspect.actor(DEVICE)["state"]
    assert (after["count"], after["components"]) == (before["count"], before["components"])


async def test_a_customer_report_that_made_room_is_erased(node: Node) -> None:
    await node.station(m.CustomerReportPart(1, 0, False, "Jane Doe", T0))
    sealed = await node.queries.vault_row(TENANT, customer_ref(STATION, 1, 0))
    assert sealed is not None
    assert node.vault.open(sealed) == "Jane Doe"
    for request in range(2, 10):
        await node.station(m.CustomerReportPart(request, 0, False, "somebody else", T0))
    assert await node.queries.vault_row(TENANT, customer_ref(STATION, 1, 0)) is None
    kept = (await node.queries.book(TENANT, STATION, "customer_report", 20, None)).items
    assert sorted(int(row.key) for row in kept) == list(range(2, 10))


async def test_alerts_and_monitors_come_and_go(node: Node) -> None:
    ref = VariableRef("Temp", "Celsius", evse=1)
    await node.station(d.MonitoringPart(4, 0, False, T0, (d.Monitor(ref, 12, "UpperThreshold", 80.0, 3),)))
    alert = d.DeviceEvent(1, T0, ref, "Alerting", "85", "CustomMonitor", monitor=12)
    await node.station(d.EventsPart(0, False, T0, (alert,)))
    (row,) = (await node.queries.book(TENANT, STATION, "alert", 9, None)).items
    assert (row.body["value"], row.body["severity"]) == ("85", 3)
    over = d.DeviceEvent(2, T0, ref, "Alerting", "60", "CustomMonitor", cleared=True, monitor=12)
    await node.station(d.EventsPart(1, False, T0, (over,)))
    assert (await node.queries.book(TENANT, STATION, "alert", 9, None)).items == []
    assert await variables(node, component="temp") == ["Temp.Celsius=60"]
