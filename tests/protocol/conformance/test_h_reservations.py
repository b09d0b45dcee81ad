"""Block H, reservations: of an EVSE, of a kind of connector, of whatever is free; used, cancelled, over, or let go."""

from typing import Any

import pytest

from tests.protocol.conformance.charging import FIRST_WH, LAST_WH, Charge, billed, id_token
from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, Station, case, now


async def reserve(station: Station, id: int, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    payload = {"id": id, "expiryDateTime": now(1800), "idToken": id_token(), **more}
    told = await station.command("ReserveNow", payload)
    assert told["result"]["status"] == status
    sent = station.said("ReserveNow")[-1]
    assert {**sent, "expiryDateTime": ""} == {**payload, "expiryDateTime": ""}
    return sent


async def stands(csms: Csms, station: Station, id: int, state: str) -> dict[str, Any]:
    """The reservation in our book, once it is in this state."""
    book = await csms.until(lambda: station.book("reservation"), lambda rows: rows.get(str(id), {}).get("state") == state)
    return book[str(id)]


async def used(csms: Csms, station: Station, id: int, token: str = TAG, evse: int = 1) -> None:
    charge = Charge(station)
    answer = await charge.tells(
        "Started", "Authorized", 0, evse=evse, token=token, state="Charging", wh=FIRST_WH, reservationId=id
    )
    assert answer["idTokenInfo"]["status"] == "Accepted"
    body = await stands(csms, station, id, "used")
    session = await charge.session()
    assert body["session"] == session["id"]
    await charge.tells("Ended", "StopAuthorized", 40, token=token, wh=LAST_WH, state="EVConnected", reason="Local")
    await billed(charge, token=token)


@case("TC_H_01")
async def test_an_evse_is_reserved_and_used_by_the_driver(csms: Csms) -> None:
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        await reserve(station, 101, evseId=1)
        body = await stands(csms, station, 101, "reserved")
        assert (body["evse"], body["connector_type"]) == (1, None)
        assert TAG not in str(body)
        await station.status(1, "Reserved")
        shown = await station.get()
        assert [one["status"] for one in shown["evses"] if one["id"] == 1] == ["Reserved"]
        await used(csms, station, 101)


@case("TC_H_07")
async def test_a_reservation_that_nobody_used_expires(csms: Csms) -> None:
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        await reserve(station, 107, evseId=1)
        await stands(csms, station, 107, "reserved")
        assert await station.call("ReservationStatusUpdate", {"reservationId": 107, "reservationUpdateStatus": "Expired"}) == {}
        body = await stands(csms, station, 107, "expired")
        assert body["session"] is None
        await station.status(1, "Available")
        assert await station.call("ReservationStatusUpdate", {"reservationId": 107, "reservationUpdateStatus": "Removed"}) == {}
        assert (await stands(csms, station, 107, "expired")) == body, "a reservation ends once"


@case("TC_H_22")
@pytest.mark.parametrize("status", ["Rejected", "Occupied", "Faulted", "Unavailable"])
async def test_what_the_station_refuses_is_no_reservation(csms: Csms, status: str) -> None:
    async with csms.station(answers={"ReserveNow": {"status": status}}) as station:
        await reserve(station, 122, status, evseId=1)
        assert await station.book("reservation") == {}


@case("TC_H_19")
async def test_a_reservation_of_a_group_is_used_by_another_of_it(csms: Csms) -> None:
    for uid in ("04RESA", "04RESB"):
        await csms.put_token(uid, group="RES-GROUP")
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        group = {"idToken": "RES-GROUP", "type": "Central"}
        await reserve(station, 119, evseId=1, idToken=id_token("04RESA"), groupIdToken=group)
        info = (await station.call("Authorize", {"idToken": id_token("04RESB")}))["idTokenInfo"]
        assert info == {"status": "Accepted", "groupIdToken": group}
        await used(csms, station, 119, token="04RESB")


@case("TC_H_08")
async def test_whatever_evse_is_free_is_reserved(csms: Csms) -> None:
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        sent = await reserve(station, 108)
        assert "evseId" not in sent
        assert (await stands(csms, station, 108, "reserved"))["evse"] is None
        await used(csms, station, 108, evse=2)


@case("TC_H_14")
async def test_as_many_reservations_as_evses_and_no_more(csms: Csms) -> None:
    statuses = iter(["Accepted", "Accepted"])

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": next(statuses, "Occupied")}

    async with csms.station(answers={"ReserveNow": answer}) as station:
        await csms.put_token("04RES2")
        await reserve(station, 1141)
        await reserve(station, 1142, idToken=id_token("04RES2"))
        await reserve(station, 1143, "Occupied")
        await stands(csms, station, 1141, "reserved")
        await stands(csms, station, 1142, "reserved")
        assert set(await station.book("reservation")) == {"1141", "1142"}
        for evse in (1, 2):
            await station.status(evse, "Reserved")
        shown = await station.get()
        assert {one["status"] for one in shown["evses"]} == {"Reserved"}


@case("TC_H_15")
async def test_a_kind_of_connector_is_reserved(csms: Csms) -> None:
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        sent = await reserve(station, 115, connectorType="cType2")
        assert sent["connectorType"] == "cType2"
        body = await stands(csms, station, 115, "reserved")
        assert (body["evse"], body["connector_type"]) == (None, "cType2")


@case("TC_H_17")
@pytest.mark.parametrize(("status", "state"), [("Accepted", "cancelled"), ("Rejected", "removed")])
async def test_a_reservation_is_cancelled(csms: Csms, status: str, state: str) -> None:
    """A station that rejects it does not have it."""
    async with csms.station(answers={"ReserveNow": ACCEPTED, "CancelReservation": {"status": status}}) as station:
        await reserve(station, 117, evseId=1)
        await stands(csms, station, 117, "reserved")
        told = await station.command("CancelReservation", {"reservationId": 117})
        assert told["result"]["status"] == status
        assert station.said("CancelReservation") == [{"reservationId": 117}]
        await stands(csms, station, 117, state)


@case("TC_H_20")
async def test_a_reservation_falls_with_its_evse(csms: Csms) -> None:
    async with csms.station(answers={"ReserveNow": ACCEPTED}) as station:
        await reserve(station, 120, evseId=1)
        await stands(csms, station, 120, "reserved")
        await station.status(1, "Faulted")
        assert await station.call("ReservationStatusUpdate", {"reservationId": 120, "reservationUpdateStatus": "Removed"}) == {}
        assert (await stands(csms, station, 120, "removed"))["session"] is None
        shown = await station.get()
        assert [one["status"] for one in shown["evses"] if one["id"] == 1] == ["Faulted"]
