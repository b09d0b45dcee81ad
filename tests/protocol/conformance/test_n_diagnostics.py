"""Block N, diagnostics: logs and customer information."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, Station, case, now

# -- logs ------------------------------------------------------------------------------------------------------------------


def log(request_id: int, type: str = "DiagnosticsLog") -> dict[str, Any]:
    where = {
        "remoteLocation": "https://logs.example/up",
        "oldestTimestamp": "2026-03-01T00:00:00Z",
        "latestTimestamp": "2026-03-02T00:00:00Z",
    }
    return {"logType": type, "requestId": request_id, "retries": 1, "retryInterval": 30, "log": where}


async def logs(station: Station, count: int) -> list[tuple[str, int | None]]:
    """(status, requestId) of every step, once there are `count`."""
    book = await station.csms.until(lambda: station.book("log"), lambda rows: len(rows) >= count)
    return [(row["status"], row["request_id"]) for _, row in sorted(book.items())]


async def uploads(station: Station, request_id: int, *statuses: str) -> None:
    for status in statuses:
        assert await station.call("LogStatusNotification", {"status": status, "requestId": request_id}) == {}


@case("TC_N_25", "TC_N_35")
@pytest.mark.parametrize("type", ["DiagnosticsLog", "SecurityLog"])
async def test_a_log_is_fetched(csms: Csms, type: str) -> None:
    async with csms.station(answers={"GetLog": {"status": "Accepted", "filename": "log.zip"}}) as station:
        payload = log(201, type)
        told = await station.command("GetLog", payload)
        assert told["result"] == {"status": "Accepted", "filename": "log.zip"}
        assert station.said("GetLog") == [payload]
        await uploads(station, 201, "Uploading", "Uploaded")
        assert await logs(station, 3) == [("Accepted", 201), ("Uploading", 201), ("Uploaded", 201)]
        first = min((await station.book("log")).items())[1]
        assert (first["what"], first["log_type"], first["file_name"]) == ("requested", type, "log.zip")


@case("TC_N_34")
async def test_a_log_that_the_station_refuses(csms: Csms) -> None:
    async with csms.station(answers={"GetLog": {"status": "Rejected"}}) as station:
        told = await station.command("GetLog", log(202))
        assert told["result"] == {"status": "Rejected"}
        assert await logs(station, 1) == [("Rejected", 202)]


@case("TC_N_36")
async def test_a_second_request_ends_the_first_upload(csms: Csms) -> None:
    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted" if payload["requestId"] == 203 else "AcceptedCanceled", "filename": "l.zip"}

    async with csms.station(answers={"GetLog": answer}) as station:
        await station.command("GetLog", log(203))
        await uploads(station, 203, "Uploading")
        told = await station.command("GetLog", log(204))
        assert told["result"]["status"] == "AcceptedCanceled"
        await uploads(station, 203, "AcceptedCanceled")
        await uploads(station, 204, "Uploading", "Uploaded")
        assert await logs(station, 6) == [
            ("Accepted", 203), ("Uploading", 203), ("AcceptedCanceled", 204), ("AcceptedCanceled", 203), ("Uploading", 204),
            ("Uploaded", 204),
        ]  # fmt: skip


# -- customer information --------------------------------------------------------------------------------------------------

TOKEN = {"idToken": {"idToken": TAG, "type": "ISO14443"}}
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa11", "issuerKeyHash": "bb22", "serialNumber": "1f"}
WHO: dict[str, dict[str, Any]] = {
    "token": TOKEN,
    "identifier": {"customerIdentifier": "customer-4711"},
    "certificate": {"customerCertificate": HASH},
}


async def customer(station: Station, request_id: int, status: str = "Accepted", who: str = "token", **flags: bool) -> None:
    payload = {"requestId": request_id, **flags, **WHO[who]}
    told = await station.command("CustomerInformation", payload)
    assert told["result"]["status"] == status
    assert station.said("CustomerInformation")[-1] == payload


async def reports(station: Station, request_id: int, *parts: str) -> dict[str, Any]:
    """The station's report in these parts; what the CSMS has of it then."""
    for seq, text in enumerate(parts):
        part = {"requestId": request_id, "seqNo": seq, "tbc": seq < len(parts) - 1, "generatedAt": now(), "data": text}
        assert await station.call("NotifyCustomerInformation", part) == {}
    book = await station.csms.until(
        lambda: station.book("customer_report"), lambda rows: any(row["complete"] for row in rows.values())
    )
    (row,) = book.values()
    assert (row["request_id"], row["parts"], row["cut"]) == (request_id, len(parts), False)
    told: dict[str, Any] = await station.get(f"customer-reports/{request_id}")
    return told


@case("TC_N_27", "TC_N_30", "TC_N_62", "TC_N_63")
@pytest.mark.parametrize("who", list(WHO))
@pytest.mark.parametrize("clear", [False, True], ids=["keep", "clear"])
async def test_what_a_station_knows_of_a_customer_comes_in_parts(csms: Csms, who: str, clear: bool) -> None:
    async with csms.station(answers={"CustomerInformation": ACCEPTED}) as station:
        await customer(station, 301, who=who, report=True, clear=clear)
        told = await reports(station, 301, "Jane Roe, ", "charged on Monday")
        assert (told["text"], told["complete"], told["cut"]) == ("Jane Roe, charged on Monday", True, False)
        trace = str(await station.get("messages", limit=100))
        assert "Jane Roe" not in trace
        assert "customer-4711" not in trace
        assert TAG not in trace


@case("TC_N_28", "TC_N_31")
@pytest.mark.parametrize("clear", [False, True], ids=["keep", "clear"])
async def test_a_station_that_knows_nothing_says_so(csms: Csms, clear: bool) -> None:
    async with csms.station(answers={"CustomerInformation": ACCEPTED}) as station:
        await customer(station, 302, report=True, clear=clear)
        told = await reports(station, 302, "")
        assert (told["text"], told["complete"]) == ("", True)


@case("TC_N_29")
@pytest.mark.parametrize("status", ["Rejected", "Invalid"])
async def test_a_request_that_the_station_does_not_accept(csms: Csms, status: str) -> None:
    async with csms.station(answers={"CustomerInformation": {"status": status}}) as station:
        await customer(station, 303, status, report=True, clear=False)
        assert await station.book("customer_report") == {}


@case("TC_N_29")
async def test_a_customer_is_named_in_exactly_one_way(csms: Csms) -> None:
    async with csms.station(answers={"CustomerInformation": ACCEPTED}) as station:
        for who in ({}, {**WHO["token"], **WHO["identifier"]}):
            payload = {"requestId": 304, "report": True, "clear": False, **who}
            answer = await station.try_command("CustomerInformation", payload)
            assert answer.status_code == 400, answer.text
        assert not station.said("CustomerInformation")


@case("TC_N_32")
async def test_a_customer_is_forgotten_without_a_report(csms: Csms) -> None:
    async with csms.station(answers={"CustomerInformation": ACCEPTED}) as station:
        await customer(station, 305, report=False, clear=True)
        assert await station.book("customer_report") == {}


@case("TC_N_46")
async def test_who_was_cleared_leaves_the_local_list_as_well(csms: Csms) -> None:
    other = "04FFEEDDCCBBAA"
    await csms.put_token(other)
    async with csms.station(answers={"CustomerInformation": ACCEPTED, "SendLocalList": ACCEPTED}) as station:
        tokens = [{"uid": TAG}, {"uid": other}]
        assert (await csms.api.put(f"{station.path}/local-list", json={"tokens": tokens})).is_success
        full = await station.hears("SendLocalList")
        assert {entry["idToken"]["idToken"] for entry in full["localAuthorizationList"]} == {TAG, other}
        await csms.until(lambda: station.get("local-list"), lambda row: row["held"] == 2)
        await customer(station, 306, report=False, clear=True)
        less = await station.hears("SendLocalList", 2)
        assert (less["updateType"], less["versionNumber"]) == ("Differential", full["versionNumber"] + 1)
        (entry,) = less["localAuthorizationList"]
        assert (entry["idToken"]["idToken"], "idTokenInfo" in entry) == (TAG, False)
        kept = await csms.until(lambda: station.get("local-list"), lambda row: row["held"] == 1)
        assert kept["wanted"] == 1


@case("N09_parts in any order")
async def test_a_customer_report_in_any_order_of_its_parts_is_whole_at_the_end(csms: Csms) -> None:
    async with csms.station(answers={"CustomerInformation": ACCEPTED}) as station:
        await customer(station, 310, report=True, clear=False)
        for seq, text in ((2, "third"), (0, "first "), (0, "first "), (1, "second ")):
            part = {"requestId": 310, "seqNo": seq, "tbc": seq < 2, "generatedAt": now(), "data": text}
            assert await station.call("NotifyCustomerInformation", part) == {}
        await csms.until(lambda: station.book("customer_report"), lambda rows: rows["310"]["complete"] if rows else False)
        assert (await station.get("customer-reports/310"))["text"] == "first second third"
