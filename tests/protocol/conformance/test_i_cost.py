"""Block I, cost: what a driver sees while charging, and at the end."""

from datetime import timedelta
from typing import Any

import pytest

from actors.limits import DomainLimits
from tests.protocol.conformance.charging import FIRST_WH, LAST_WH, PRICE, Charge, billed
from tests.protocol.conformance.kit import TAG, TENANT, Csms, case


@case("TC_I_01")
async def test_the_running_cost_is_in_the_answer_to_an_update(csms: Csms) -> None:
    """With taxes, for the energy so far; not with every reading."""
    async with csms.station() as station:
        charge = Charge(station)
        began = await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        assert "totalCost" not in began
        first = charge.made("Updated", "MeterValuePeriodic", 10, wh=FIRST_WH + 2000)
        for _ in range(2):
            assert (await station.call("TransactionEvent", first))["totalCost"] == 1.19
        assert DomainLimits().cost_every >= timedelta(seconds=30)
        assert "totalCost" not in await charge.tells("Updated", "MeterValuePeriodic", 11, wh=FIRST_WH + 2200)
        session = await charge.session()
        assert session["cost"] is None, "nothing is owed before the end"
        await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected", reason="Local")
        await billed(charge)


@case("TC_I_01")
async def test_the_running_cost_is_told_by_the_operator(csms: Csms) -> None:
    async with csms.station(answers={"CostUpdated": {}}) as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        told = await station.command("CostUpdated", {"totalCost": 1.19, "transactionId": charge.id})
        assert told["result"] == {}
        assert station.said("CostUpdated") == [{"totalCost": 1.19, "transactionId": charge.id}]


@case("TC_I_02")
async def test_the_final_cost_is_in_the_answer_to_the_end_and_on_the_bill(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        last = charge.made("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected", reason="Local")
        for _ in range(2):
            assert (await station.call("TransactionEvent", last))["totalCost"] == PRICE
        await billed(charge)


@case("TC_I_02")
@pytest.mark.parametrize(("tariff", "cost"), [("FREE", 0), (None, None)])
async def test_free_is_zero_and_unknown_is_not_told(csms: Csms, tariff: str | None, cost: float | None) -> None:
    free = {
        "country_code": "DE", "party_id": "CON", "id": "FREE", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.0, "vat": 19.0, "step_size": 1}]}],
    }  # fmt: skip
    assert (await csms.api.put(f"/tenants/{TENANT}/tariffs/FREE", json=free)).is_success
    more: dict[str, Any] = {"tariff": tariff}
    async with csms.station(**more) as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        answer = await charge.tells("Ended", "StopAuthorized", 40, token=TAG, wh=LAST_WH, state="EVConnected", reason="Local")
        assert answer.get("totalCost") == cost
        session = await charge.settled()
        assert session["unpriced"] is (tariff is None)
        assert session["energy_wh"] == LAST_WH - FIRST_WH


@case("TC_I_02")
async def test_a_charge_with_time_and_a_fee_costs_what_the_tariff_says_at_every_moment(csms: Csms) -> None:
    """1 EUR to begin, 0.30 EUR/kWh, 2 EUR/h, all with 19 % VAT: 30 minutes and 2 kWh are 2.60 EUR net, 3.09 with VAT."""
    components = [("FLAT", 1.0), ("ENERGY", 0.30), ("TIME", 2.0)]
    tariff = {
        "country_code": "DE", "party_id": "CON", "id": "MIX", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
        "elements": [{"price_components": [
            {"type": kind, "price": price, "vat": 19.0, "step_size": 1} for kind, price in components
        ]}],
    }  # fmt: skip
    assert (await csms.api.put(f"/tenants/{TENANT}/tariffs/MIX", json=tariff)).is_success
    async with csms.station(tariff="MIX") as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        running = await charge.tells("Updated", "MeterValuePeriodic", 30, wh=FIRST_WH + 2000)
        assert running["totalCost"] == 3.09
        answer = await charge.tells("Ended", "StopAuthorized", 60, token=TAG, wh=LAST_WH, state="EVConnected", reason="Local")
        assert answer["totalCost"] == 6.43  # (1 + 2.40 + 2) * 1.19
        await billed(charge, price=6.43)
