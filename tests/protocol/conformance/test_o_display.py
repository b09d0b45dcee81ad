"""Block O, display messages: set, replaced, listed and cleared, and our book follows the station."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, Station, case, now

SET, GET, CLEAR = "SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage"


def message(id: int, text: str = "Welcome", **more: Any) -> dict[str, Any]:
    return {"id": id, "priority": "NormalCycle", "message": {"format": "UTF8", "language": "en", "content": text}, **more}


async def show(station: Station, one: dict[str, Any], status: str = "Accepted") -> None:
    told = await station.command(SET, {"message": one})
    assert told["result"]["status"] == status
    assert station.said(SET)[-1] == {"message": one}


async def held(csms: Csms, station: Station, *ids: int) -> dict[str, dict[str, Any]]:
    wanted = {str(id) for id in ids}
    book: dict[str, dict[str, Any]] = await csms.until(lambda: station.book("display"), lambda found: set(found) == wanted)
    return book


@case("TC_O_01")
async def test_a_message_is_shown_and_kept_in_the_book(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await show(station, message(1, state="Idle"))
        book = await held(csms, station, 1)
        assert (book["1"]["message"]["content"], book["1"]["state"], book["1"]["priority"]) == ("Welcome", "Idle", "NormalCycle")


@case("TC_O_26", "TC_O_17", "TC_O_18", "TC_O_19", "TC_O_10")
@pytest.mark.parametrize(
    ("status", "more"),
    [
        ("Rejected", {}),
        ("NotSupportedPriority", {"priority": "AlwaysFront"}),
        ("NotSupportedState", {"state": "Faulted"}),
        ("NotSupportedMessageFormat", {"message": {"format": "HTML", "content": "<b>x</b>"}}),
        ("UnknownTransaction", {"transactionId": "nobody"}),
    ],
)
async def test_a_message_that_the_station_refuses_is_told_and_not_kept(csms: Csms, status: str, more: dict[str, Any]) -> None:
    async with csms.station(answers={SET: {"status": status}}) as station:
        await show(station, {**message(1), **more}, status)
        assert await station.book("display") == {}


@case("TC_O_13", "TC_O_14", "TC_O_27", "TC_O_28")
@pytest.mark.parametrize("bound", ["startDateTime", "endDateTime"])
@pytest.mark.parametrize("transaction", [None, "tx-o"])
async def test_a_message_has_its_time_and_its_transaction(csms: Csms, bound: str, transaction: str | None) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        more: dict[str, Any] = {bound: now(3600)[:19] + "Z"}
        if transaction:
            token = {"idToken": TAG, "type": "ISO14443"}
            await station.event("Started", transaction, 0, "Authorized", idToken=token, evse={"id": 1})
            more["transactionId"] = transaction
        one = message(1, **more)
        told = await station.command(SET, {"message": one})
        assert told["result"]["status"] == "Accepted"
        sent = station.said(SET)[-1]["message"]
        assert sent[bound] == one[bound]
        assert sent.get("transactionId") == transaction
        book = await held(csms, station, 1)
        shown = book["1"]
        assert (shown["start"] is None, shown["end"] is None) == (bound == "endDateTime", bound == "startDateTime")
        assert shown["transaction_id"] == transaction


@case("TC_O_12")
async def test_the_same_id_replaces(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await show(station, message(1))
        await show(station, message(1, "Out of order"))
        found = await csms.until(
            lambda: station.book("display"), lambda book: book.get("1", {}).get("message", {}).get("content") == "Out of order"
        )
        assert set(found) == {"1"}


@case("TC_O_06")
async def test_a_message_belongs_to_the_running_transaction(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        token = {"idToken": TAG, "type": "ISO14443"}
        await station.event("Started", "tx-o06", 0, "Authorized", idToken=token, evse={"id": 1, "connectorId": 1})
        await show(station, message(1, transactionId="tx-o06", state="Charging"))
        book = await held(csms, station, 1)
        assert book["1"]["transaction_id"] == "tx-o06"


@case("TC_O_02", "TC_O_07", "TC_O_08", "TC_O_09")
@pytest.mark.parametrize(
    ("asked", "told"),
    [({}, [1, 2]), ({"id": [2]}, [2]), ({"priority": "InFront"}, [2]), ({"state": "Idle"}, [2])],
    ids=["all", "id", "priority", "state"],
)
async def test_messages_are_listed_and_the_book_is_put_right(csms: Csms, asked: dict[str, Any], told: list[int]) -> None:
    known = {
        1: message(1, state="Charging"),
        2: message(2, state="Idle", priority="InFront"),
        3: message(3, state="Idle", priority="InFront"),
    }
    async with csms.station(answers={SET: ACCEPTED, GET: ACCEPTED}) as station:
        for one in known.values():
            await show(station, one)
        await held(csms, station, 1, 2, 3)
        ids = {"id": [2, 3]} if "id" in asked else asked
        answer = await station.command(GET, {"requestId": 9, **ids})
        assert answer["result"]["status"] == "Accepted"
        assert station.said(GET) == [{"requestId": 9, **ids}]
        for n, id in enumerate(told):
            part = {"requestId": 9, "tbc": n < len(told) - 1, "messageInfo": [known[id]]}
            assert await station.call("NotifyDisplayMessages", part) == {}
        await held(csms, station, 1, 2)


@case("TC_O_03")
async def test_a_station_without_messages_says_unknown(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED, GET: {"status": "Unknown"}}) as station:
        await show(station, message(1))
        await held(csms, station, 1)
        answer = await station.command(GET, {"requestId": 10})
        assert answer["result"]["status"] == "Unknown"
        await held(csms, station)


@case("TC_O_04", "TC_O_05")
@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
async def test_a_message_is_cleared(csms: Csms, status: str) -> None:
    async with csms.station(answers={SET: ACCEPTED, CLEAR: {"status": status}}) as station:
        await show(station, message(1))
        await held(csms, station, 1)
        answer = await station.command(CLEAR, {"id": 1})
        assert answer["result"]["status"] == status
        assert station.said(CLEAR) == [{"id": 1}]
        await held(csms, station)
