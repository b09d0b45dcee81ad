"""Block J, meter values: clock-aligned and sampled, at the beginning, in between, at the end, and signed."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.actors.model.test_ocmf import KEYS, payload, record, spki
from tests.protocol.conformance.charging import FIRST_WH, LAST_WH, PRICE, Charge, billed, reading
from tests.protocol.conformance.kit import TAG, TENANT, Csms, Station, case, now

POWER = {"value": 11.04, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 3}}
CURRENT = {"value": 16.0, "measurand": "Current.Import", "phase": "L1", "unitOfMeasure": {"unit": "A"}}
SOC = {"value": 42.0, "measurand": "SoC", "location": "EV", "unitOfMeasure": {"unit": "Percent"}}


def _samples(session: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """(measurand, context, value in the base unit) of every sample kept, oldest first."""
    return [
        (sample["measurand"], sample["context"], sample["value"])
        for reading in session["meter_values"]
        for sample in reading["samples"]
    ]


async def _kept(station: Station, evse: int = 1) -> datetime:
    """The time of the values that the EVSE's actor kept last, which belong to no session."""
    shown = await station.csms.get("/actors/one", address=f"{TENANT}/evse/{station.identity}#{evse}")
    return datetime.fromisoformat(shown["state"]["unattributed"][0])


@case("TC_J_01")
async def test_values_of_an_idle_evse_are_kept_and_open_no_session(csms: Csms) -> None:
    async with csms.station() as station:
        await station.status(1, "Available")
        values = reading(FIRST_WH, 0, "Sample.Clock", location="Outlet")
        for _ in range(2):
            assert await station.call("MeterValues", {"evseId": 1, "meterValue": values}) == {}
        assert await station.call("MeterValues", {"evseId": 0, "meterValue": values}) == {}
        assert await station.sessions() == []
        assert await _kept(station) == datetime.fromisoformat(values[0]["timestamp"])


@case("TC_J_02")
async def test_clock_aligned_values_of_a_transaction_are_its_values(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        clock = reading(103_000, charge.began + 900, "Sample.Clock")
        clock[0]["sampledValue"].append({**POWER, "context": "Sample.Clock"})
        answer = await charge.tells("Updated", "MeterValueClock", 15, meterValue=clock)
        assert "idTokenInfo" not in answer
        session = await csms.until(charge.session, lambda row: len(row["meter_values"]) == 2)
        assert _samples(session)[1:] == [
            ("Energy.Active.Import.Register", "Sample.Clock", 103_000), ("Power.Active.Import", "Sample.Clock", 11_040),
        ]  # fmt: skip
        assert session["energy_wh"] == 3000
        await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH)
        await billed(charge)


@case("TC_J_02")
async def test_values_that_come_beside_the_events_of_a_transaction_change_no_bill(csms: Csms) -> None:
    """Some stations go on with MeterValues for the EVSE while a transaction runs on it."""
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        beside = reading(999_000, charge.began + 1200, "Sample.Clock")
        assert await station.call("MeterValues", {"evseId": 1, "meterValue": beside}) == {}
        answer = await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH)
        assert answer["totalCost"] == PRICE
        session = await billed(charge, remarks=("meter_without_number",))
        assert ("Energy.Active.Import.Register", "Sample.Clock", 999_000) in _samples(session), "kept all the same"


@case("TC_J_03", "TC_J_10")
@pytest.mark.parametrize("context", ["Sample.Clock", "Sample.Periodic"])
async def test_the_end_may_bring_every_value_of_the_transaction(csms: Csms, context: str) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging")
        values = [
            *reading(FIRST_WH, charge.began, "Transaction.Begin"),
            *reading(102_000, charge.began + 900, context),
            *reading(104_500, charge.began + 1800, context),
            *reading(LAST_WH, charge.began + 2400, "Transaction.End"),
        ]
        answer = await charge.tells("Ended", "StopAuthorized", 40, token=TAG, state="EVConnected", meterValue=values)
        assert answer["totalCost"] == PRICE
        session = await billed(charge)
        assert [(sampled[1], sampled[2]) for sampled in _samples(session)] == [
            ("Transaction.Begin", FIRST_WH), (context, 102_000), (context, 104_500), ("Transaction.End", LAST_WH),
        ]  # fmt: skip


@case("TC_J_07")
async def test_the_first_value_comes_with_the_start_when_the_evse_is_known(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "CablePluggedIn", 0, evse=2, state="EVConnected", wh=FIRST_WH)
        session = await charge.session()
        assert session["evse"] == 2
        assert _samples(session) == [("Energy.Active.Import.Register", "Transaction.Begin", FIRST_WH)]
        await charge.tells("Updated", "Authorized", 1, token=TAG, state="Charging")
        await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected")
        await billed(charge)


@case("TC_J_08")
async def test_the_first_value_comes_with_the_evse_when_that_was_not_known_at_the_start(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, token=TAG)
        assert (await charge.session())["evse"] == 0
        await charge.tells("Updated", "CablePluggedIn", 1, evse=2, state="EVConnected", wh=FIRST_WH, context="Transaction.Begin")
        session = await csms.until(charge.session, lambda row: row["evse"] == 2)
        assert _samples(session) == [("Energy.Active.Import.Register", "Transaction.Begin", FIRST_WH)]
        await charge.tells("Updated", "ChargingStateChanged", 2, state="Charging")
        await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected")
        session = await billed(charge)
        assert "meter_edges_missing" not in session["anomalies"]


@case("TC_J_09")
async def test_every_measurand_of_a_sample_is_kept_in_its_base_unit(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        sampled = [
            {"timestamp": now(charge.began + 60), "sampledValue": [
                {"value": 100.5, "unitOfMeasure": {"unit": "kWh"}}, POWER, CURRENT, SOC,
            ]}
        ]  # fmt: skip
        await charge.tells("Updated", "MeterValuePeriodic", 1, meterValue=sampled)
        session = await csms.until(charge.session, lambda row: len(row["meter_values"]) == 2)
        kept = session["meter_values"][1]["samples"]
        assert [(one["measurand"], one["value"], one["unit"], one["phase"], one["location"]) for one in kept] == [
            ("Energy.Active.Import.Register", 100_500, "Wh", None, "Outlet"),
            ("Power.Active.Import", 11_040, "W", None, "Outlet"),
            ("Current.Import", 16, "A", "L1", "Outlet"), ("SoC", 42, "Percent", None, "EV"),
        ]  # fmt: skip
        assert session["energy_wh"] == 500


@case("TC_J_10")
async def test_the_last_value_decides_the_bill_and_not_the_one_before(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        await charge.tells("Updated", "MeterValuePeriodic", 30, wh=107_500)
        answer = await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected")
        assert answer["totalCost"] == PRICE
        session = await billed(charge)
        assert _samples(session)[-1] == ("Energy.Active.Import.Register", "Transaction.End", LAST_WH)


KEY = spki(KEYS["secp256r1"]).hex()
METER_BEGIN, METER_END = record(payload("B", "100.0", "T7")), record(payload("E", "108.0", "T8"))


def _signed(data: str, key: str = KEY) -> dict[str, str]:
    return {"signedMeterData": data, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": key}


@case("TC_J_04", "TC_J_11")
@pytest.mark.parametrize("context", ["Sample.Clock", "Sample.Periodic"])
@pytest.mark.parametrize("forged", [False, True])
async def test_signed_values_are_kept_byte_for_byte_judged_and_in_the_cdr(csms: Csms, context: str, forged: bool) -> None:
    last = METER_END.replace("108.0", "109.0") if forged else METER_END
    trigger = "MeterValueClock" if context == "Sample.Clock" else "MeterValuePeriodic"
    async with csms.station() as station:
        charge = Charge(station)
        first = reading(FIRST_WH, charge.began, "Transaction.Begin", signedMeterValue=_signed(METER_BEGIN))
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", meterValue=first)
        between = reading(104_000, charge.began + 900, context, signedMeterValue=_signed(METER_BEGIN))
        await charge.tells("Updated", trigger, 15, meterValue=between)
        final = reading(LAST_WH, charge.began + 2400, "Transaction.End", signedMeterValue=_signed(last, ""))
        answer = await charge.tells("Ended", "StopAuthorized", 40, token=TAG, state="EVConnected", meterValue=final)
        assert answer["totalCost"] == PRICE
        session = await billed(charge)
        kept = [json.loads(sample["raw"])["signedMeterData"] for one in session["meter_values"] for sample in one["samples"]]
        assert kept == [METER_BEGIN, METER_BEGIN, last]
        judged = session["signed"]
        assert [one["verified"] for one in judged["records"]] == ["valid", "valid", "invalid" if forged else "valid"]
        assert judged["records"][0]["meter"] == "M-17"
        if forged:
            assert judged["billable"] is False
        cdr = await csms.get(f"/tenants/{TENANT}/cdrs/{session['cdr']}")
        values = cdr["signed_data"]["signed_values"]
        natures = [(one["nature"], one["signed_data"]) for one in values]
        assert natures == [("Start", METER_BEGIN), ("End", last), ("Intermediate", METER_BEGIN)]
        assert cdr["signed_data"]["encoding_method"] == "OCMF"


@case("TC_J_04")
async def test_signed_values_of_an_idle_evse_are_taken(csms: Csms) -> None:
    async with csms.station() as station:
        values = reading(FIRST_WH, 0, "Sample.Clock", signedMeterValue=_signed(METER_BEGIN))
        assert await station.call("MeterValues", {"evseId": 1, "meterValue": values}) == {}
        assert await _kept(station) == datetime.fromisoformat(values[0]["timestamp"])
