"""Block K, smart charging: profiles are set, replaced, listed and cleared, and our book follows the station."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, Station, case, now

TOKEN = {"idToken": TAG, "type": "ISO14443"}
SET = "SetChargingProfile"


def profile(id: int, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    schedule = {
        "id": 1, "chargingRateUnit": more.pop("unit", "A"), "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": more.pop("periods", [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}]),
    }  # fmt: skip
    if "duration" in more:
        schedule["duration"] = more.pop("duration")
    return {
        "id": id, "stackLevel": more.pop("level", 0), "chargingProfilePurpose": purpose,
        "chargingProfileKind": more.pop("kind", "Absolute"), "chargingSchedule": [schedule], **more,
    }  # fmt: skip


async def install(station: Station, evse: int, one: dict[str, Any], status: str = "Accepted") -> None:
    told = await station.command(SET, {"evseId": evse, "chargingProfile": one})
    assert told["result"]["status"] == status
    assert station.said(SET)[-1] == {"evseId": evse, "chargingProfile": one}
    if status == "Accepted":
        key, level = str(one["id"]), one["stackLevel"]
        await station.csms.until(
            lambda: station.book("profile"), lambda book: key in book and book[key]["profile"]["stack_level"] == level
        )


async def charging(station: Station, transaction: str) -> None:
    await station.event("Started", transaction, 0, "Authorized", idToken=TOKEN, evse={"id": 1, "connectorId": 1},
                        info={"chargingState": "Charging"})  # fmt: skip


async def held(csms: Csms, station: Station, *ids: int) -> dict[str, dict[str, Any]]:
    """Our book, once it holds just these."""
    wanted = {str(id) for id in ids}
    book: dict[str, dict[str, Any]] = await csms.until(lambda: station.book("profile"), lambda found: set(found) == wanted)
    return book


@case("TC_K_01", "TC_K_10")
@pytest.mark.parametrize("evse", [1, 0])
async def test_a_default_profile_is_installed_on_one_evse_or_on_all(csms: Csms, evse: int) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await install(station, evse, profile(1))
        book = await held(csms, station, 1)
        assert book["1"]["evse"] == evse
        assert book["1"]["profile"]["purpose"] == "TxDefaultProfile"
        composite = await station.get("composite", evse=2 if evse == 0 else 1, duration=600)
        assert [(p["start"], p["limit"]) for p in composite["periods"]] == [(0, 16)]


@case("TC_K_03")
async def test_the_maximum_of_the_station(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        most = [{"startPeriod": 0, "limit": 22000.0}]
        await install(station, 0, profile(1, "ChargingStationMaxProfile", unit="W", periods=most))
        composite = await station.get("composite", evse=0, duration=600, unit="W")
        assert [p["limit"] for p in composite["periods"]] == [22000]
        wrong = await station.try_command(SET, {"evseId": 1, "chargingProfile": profile(2, "ChargingStationMaxProfile")})
        assert wrong.status_code in (400, 422), "it belongs to the whole station (K01.FR.38)"


@case("TC_K_19")
@pytest.mark.parametrize("recurrency", ["Daily", "Weekly"])
async def test_a_recurring_profile(csms: Csms, recurrency: str) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        one = profile(1, kind="Recurring", recurrencyKind=recurrency, duration=3600)
        await install(station, 1, one)
        book = await held(csms, station, 1)
        assert book["1"]["profile"]["recurrency_kind"] == recurrency


@case("TC_K_15")
async def test_a_station_without_smart_charging_says_so(csms: Csms) -> None:
    async with csms.station() as station:
        answer = await station.try_command(SET, {"evseId": 1, "chargingProfile": profile(1)})
        assert answer.status_code == 502
        assert answer.json()["station_error"]["code"] == "NotImplemented"
        assert await station.book("profile") == {}


@case("TC_K_04", "TC_K_70")
async def test_a_profile_with_the_same_id_replaces_and_others_stand_beside_it(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await install(station, 1, profile(1))
        await install(station, 1, profile(2, level=1))
        await install(station, 1, profile(1, periods=[{"startPeriod": 0, "limit": 8.0}], level=3))
        book = await csms.until(lambda: station.book("profile"), lambda found: found["1"]["profile"]["stack_level"] == 3)
        assert set(book) == {"1", "2"}


@case("TC_K_60")
async def test_a_tx_profile_belongs_to_the_running_transaction(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await charging(station, "tx-k60")
        nameless = await station.try_command(SET, {"evseId": 1, "chargingProfile": profile(1, "TxProfile")})
        assert nameless.status_code in (400, 422), "K01.FR.03: a TxProfile names its transaction"
        assert not station.said(SET)
        await install(station, 1, profile(1, "TxProfile", transactionId="tx-k60"))
        await csms.until(
            lambda: station.get("composite", evse=1, duration=600), lambda told: [p["limit"] for p in told["periods"]] == [16]
        )


@case("TC_K_37")
async def test_a_remote_start_carries_its_profile(csms: Csms) -> None:
    async with csms.station(answers={"RequestStartTransaction": ACCEPTED}) as station:
        one = profile(5, "TxProfile")
        payload = {"idToken": TOKEN, "remoteStartId": 37, "evseId": 1, "chargingProfile": one}
        told = await station.command("RequestStartTransaction", payload)
        assert told["result"]["status"] == "Accepted"
        assert (await station.hears("RequestStartTransaction"))["chargingProfile"] == one
        await held(csms, station, 5)


@case("TC_K_43", "TC_K_44")
@pytest.mark.parametrize("evse", [1, 0])
async def test_a_composite_schedule_is_asked_for_and_compared_with_ours(csms: Csms, evse: int) -> None:
    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        schedule = {
            "evseId": payload["evseId"], "duration": payload["duration"], "scheduleStart": now(), "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
        }  # fmt: skip
        return {"status": "Accepted", "schedule": schedule}

    async with csms.station(answers={SET: ACCEPTED, "GetCompositeSchedule": answer}) as station:
        purpose = "TxDefaultProfile" if evse else "ChargingStationMaxProfile"
        await install(station, evse, profile(1, purpose))
        payload = {"evseId": evse, "duration": 300, "chargingRateUnit": "A"}
        told = await station.command("GetCompositeSchedule", payload)
        assert told["result"]["schedule"]["chargingSchedulePeriod"][0]["limit"] == 32
        assert station.said("GetCompositeSchedule") == [payload]
        book = await csms.until(lambda: station.book("composite"))
        assert book[str(evse)]["differs"] is True, "the station allows 32 A where our book says 16"


CRITERIA: list[tuple[str, dict[str, Any], list[int]]] = [
    ("TC_K_29", {"evseId": 0, "chargingProfile": {}}, [10]),
    ("TC_K_30", {"evseId": 1, "chargingProfile": {}}, [1, 2]),
    ("TC_K_31", {"chargingProfile": {}}, [1, 2, 10]),
    ("TC_K_32", {"chargingProfile": {"chargingProfileId": [2]}}, [2]),
    ("TC_K_33", {"evseId": 1, "chargingProfile": {"stackLevel": 1}}, [2]),
    ("TC_K_34", {"evseId": 1, "chargingProfile": {"chargingLimitSource": ["CSO"]}}, [1, 2]),
    ("TC_K_35", {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}, [1, 2]),
    ("TC_K_36", {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}}, [2]),
]


@case(*(id for id, _, _ in CRITERIA))
@pytest.mark.parametrize(("id", "asked", "found"), CRITERIA, ids=[id for id, _, _ in CRITERIA])
async def test_profiles_are_listed_by_every_criterion_and_the_book_is_put_right(
    csms: Csms, id: str, asked: dict[str, Any], found: list[int]
) -> None:
    async with csms.station(answers={SET: ACCEPTED, "GetChargingProfiles": ACCEPTED}) as station:
        known = {1: (1, profile(1)), 2: (1, profile(2, level=1)), 10: (0, profile(10, "ChargingStationMaxProfile"))}
        for evse, one in known.values():
            await install(station, evse, one)
        await held(csms, station, 1, 2, 10)
        payload = {"requestId": 77, **asked}
        told = await station.command("GetChargingProfiles", payload)
        assert told["result"]["status"] == "Accepted"
        assert station.said("GetChargingProfiles") == [payload]
        kept = found[:-1]  # the station has lost the last one of those that it was asked for
        for n, one in enumerate(kept or [None]):  # type: ignore[list-item]
            evse, told_profile = known[one] if one is not None else (asked.get("evseId", 0), None)
            part = {
                "requestId": 77, "chargingLimitSource": "CSO", "evseId": evse, "tbc": n < len(kept) - 1,
                "chargingProfile": [told_profile or profile(99, level=9)],
            }  # fmt: skip
            assert await station.call("ReportChargingProfiles", part) == {}
        after = set(known) - {found[-1]} | (set() if kept else {99})
        await held(csms, station, *after)


@case("TC_K_05", "TC_K_06", "TC_K_08")
@pytest.mark.parametrize(
    ("asked", "status", "left"),
    [
        ({"chargingProfileId": 1}, "Accepted", [2]),
        (
            {"chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}},
            "Accepted",
            [1],
        ),
        ({"chargingProfileId": 9}, "Unknown", [1, 2]),
    ],
    ids=["id", "criteria", "unknown"],
)
async def test_profiles_are_cleared_by_id_or_by_criteria(csms: Csms, asked: dict[str, Any], status: str, left: list[int]) -> None:
    async with csms.station(answers={SET: ACCEPTED, "ClearChargingProfile": {"status": status}}) as station:
        await install(station, 1, profile(1))
        await install(station, 1, profile(2, level=1))
        await held(csms, station, 1, 2)
        told = await station.command("ClearChargingProfile", asked)
        assert told["result"]["status"] == status
        assert station.said("ClearChargingProfile") == [asked]
        await held(csms, station, *left)


NEEDS = {
    "evseId": 1, "maxScheduleTuples": 3,
    "chargingNeeds": {
        "requestedEnergyTransfer": "AC_three_phase",
        "acChargingParameters": {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 400},
    },
}  # fmt: skip


async def _asked_for_power(csms: Csms, station: Station, transaction: str) -> dict[str, Any]:
    """A vehicle says what it needs; the profile that it gets."""
    await charging(station, transaction)
    count = len(station.said(SET))
    assert (await station.call("NotifyEVChargingNeeds", NEEDS))["status"] == "Accepted"
    sent = await station.hears(SET, count + 1)
    assert sent["evseId"] == 1
    one: dict[str, Any] = sent["chargingProfile"]
    assert (one["chargingProfilePurpose"], one["transactionId"]) == ("TxProfile", transaction)
    assert len(one["chargingSchedule"]) <= 3
    assert all(len(schedule["chargingSchedulePeriod"]) <= 3 for schedule in one["chargingSchedule"])
    return one


@case("TC_K_53")
async def test_a_vehicles_needs_are_answered_with_a_profile_that_it_may_keep(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        one = await _asked_for_power(csms, station, "tx-k53")
        assert one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 32
        chosen = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 20.0}]}
        answer = await station.call("NotifyEVChargingSchedule", {"timeBase": now(), "evseId": 1, "chargingSchedule": chosen})
        assert answer["status"] == "Accepted"
        await held(csms, station, one["id"])


@case("TC_K_55")
async def test_a_schedule_of_the_vehicle_over_the_limit_is_rejected_and_renegotiated(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await install(station, 1, profile(1))
        one = await _asked_for_power(csms, station, "tx-k55")
        assert one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 16
        greedy = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}]}
        answer = await station.call("NotifyEVChargingSchedule", {"timeBase": now(), "evseId": 1, "chargingSchedule": greedy})
        assert answer["status"] == "Rejected"
        again = await station.hears(SET, 3)
        assert again["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 16


@case("TC_K_57", "TC_K_58", "TC_K_59")
@pytest.mark.parametrize("who", ["vehicle", "centre", "centre, and the vehicle says its needs again"])
async def test_a_schedule_is_renegotiated(csms: Csms, who: str) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        first = await _asked_for_power(csms, station, "tx-k57")
        if who != "vehicle":
            lower = [{"startPeriod": 0, "limit": 10.0}]
            await install(station, 1, profile(first["id"], "TxProfile", transactionId="tx-k57", periods=lower))
            await held(csms, station, first["id"])
        if who != "centre":
            count = len(station.said(SET))
            assert (await station.call("NotifyEVChargingNeeds", NEEDS))["status"] == "Accepted"
            again = await station.hears(SET, count + 1)
            assert again["chargingProfile"]["transactionId"] == "tx-k57"
        chosen = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}]}
        answer = await station.call("NotifyEVChargingSchedule", {"timeBase": now(), "evseId": 1, "chargingSchedule": chosen})
        assert answer["status"] == "Accepted"


async def _limit(station: Station, limit: float) -> None:
    schedule = [{"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}]
    payload = {"chargingLimit": {"chargingLimitSource": "SO", "isGridCritical": True}, "chargingSchedule": schedule, "evseId": 1}
    assert await station.call("NotifyChargingLimit", payload) == {}


@case("K12_K14")
async def test_a_limit_of_others_bounds_what_we_give_until_it_is_lifted(csms: Csms) -> None:
    async with csms.station(answers={SET: ACCEPTED}) as station:
        await _limit(station, 9.0)
        book = await csms.until(lambda: station.book("limit"))
        assert book["SO#1"]["grid_critical"] is True
        one = await _asked_for_power(csms, station, "tx-limit")
        assert one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 9
        assert await station.call("ClearedChargingLimit", {"chargingLimitSource": "SO", "evseId": 1}) == {}
        await csms.until(lambda: station.book("limit"), lambda found: not found)
