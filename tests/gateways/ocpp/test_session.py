"""A charging session over a real socket with the real actors, and what a station may rely on."""

import trio

from runtime.address import Address
from tests.gateways.ocpp.node import TAG, connect, open_node


async def test_boot_authorise_start_meter_stop() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            boot = await station.boot()
            assert boot["status"] == "Accepted"
            assert boot["currentTime"].endswith("Z")
            assert "." not in boot["currentTime"]
            assert (await station.call("Heartbeat", {})).keys() == {"currentTime"}
            status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
            assert await station.call("StatusNotification", status) == {}
            assert (await station.call("Authorize", {"idTag": TAG}))["idTagInfo"]["status"] == "Accepted"
            start = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": node.system.now().isoformat()}
            started = await station.call("StartTransaction", start)
            assert started["idTagInfo"]["status"] == "Accepted"
            number = started["transactionId"]
            assert number > 0
            assert (await station.call("StartTransaction", start))["transactionId"] == number
            meter = {
                "connectorId": 1, "transactionId": number,
                "meterValue": [{"timestamp": node.system.now().isoformat(), "sampledValue": [{"value": "1100"}]}],
            }  # fmt: skip
            assert await station.call("MeterValues", meter) == {}
            stop = {"transactionId": number, "meterStop": 1200, "timestamp": node.system.now().isoformat(), "idTag": TAG}
            assert (await station.call("StopTransaction", stop))["idTagInfo"]["status"] == "Accepted"
            assert (await station.call("StopTransaction", stop))["idTagInfo"]["status"] == "Accepted"
            page = await node.queries.sessions("demo", "CP1", None, 10, None)
            assert [row.state for row in page.items] == ["ended"]
            assert page.items[0].energy_wh == 200


async def test_the_group_of_a_token_is_told_in_plain_text_and_remembered_as_a_reference() -> None:
    async with open_node() as node:
        await node.put_token("04FEED01", group="FLEET-7")
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            authorised = await station.call("Authorize", {"idTag": "04FEED01"})
            assert authorised["idTagInfo"]["parentIdTag"] == "FLEET-7"
            now = node.system.now().isoformat()
            start = {"connectorId": 1, "idTag": "04FEED01", "meterStart": 0, "timestamp": now}
            for _ in range(2):
                told = await station.call("StartTransaction", start)
                assert told["idTagInfo"]["parentIdTag"] == "FLEET-7"
            stop = {"transactionId": told["transactionId"], "meterStop": 10, "timestamp": now, "idTag": "04FEED01"}
            assert (await station.call("StopTransaction", stop))["idTagInfo"]["parentIdTag"] == "FLEET-7"
            assert "parentIdTag" not in (await station.call("Authorize", {"idTag": TAG}))["idTagInfo"]
            (session,) = (await node.queries.sessions("demo", "CP1", None, 1, None)).items
            history = await node.store.full_history(Address("demo", "session", session.id))
            assert history
            assert "FLEET-7" not in repr(history)
