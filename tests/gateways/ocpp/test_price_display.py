"""Prices on a station's display: the California vocabulary of 1.6, and what 2.0.1 makes of the same intents (PROTOCOLS 2.8)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model import intents as i
from gateways.ocpp.v16 import commands as commands_16
from gateways.ocpp.v201 import commands as commands_201


def _said(intent: i.AnyIntent) -> tuple[str, dict[str, Any]]:
    call = commands_16.to_wire(intent)
    assert not isinstance(call, i.Unsupported), call
    request = msgspec.to_builtins(call.request)
    assert (call.action, request["vendorId"]) == ("DataTransfer", "org.openchargealliance.costmsg")
    return request["messageId"], msgspec.json.decode(request["data"])


def test_prices_reach_the_display_of_a_1_6_station_in_the_california_vocabulary() -> None:
    at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    details = i.CostDetails(
        "Idle", at, 1234, i.Price(Decimal("0.123"), Decimal("2"), Decimal("42")),
        i.Price(per_hour=Decimal("1"), grace_minutes=30), at, i.Price(Decimal("0.1")), i.Price(per_hour=Decimal(0)),
        at, 12_500, 8_000, ("Available", "SuspendedEV"),
    )  # fmt: skip
    assert _said(i.CostUpdated(Decimal("3.31"), "98765", details)) == (
        "RunningCost",
        {
            "transactionId": 98765, "cost": 3.31, "timestamp": "2026-03-02T12:00:00Z", "meterValue": 1234, "state": "Idle",
            "chargingPrice": {"kWhPrice": 0.123, "hourPrice": 2.0, "flatFee": 42.0},
            "idlePrice": {"graceMinutes": 30, "hourPrice": 1.0},
            "nextPeriod": {
                "atTime": "2026-03-02T12:00:00Z", "chargingPrice": {"kWhPrice": 0.1}, "idlePrice": {"hourPrice": 0.0},
            },
            "triggerMeterValue": {
                "atTime": "2026-03-02T12:00:00Z", "atEnergykWh": 12.5, "atPowerkW": 8.0, "atCPStatus": "Available,SuspendedEV",
            },
        },
    )  # fmt: skip
    german = i.MessageText("0,12 EUR/kWh", "UTF8", "de")
    assert _said(i.UserPrice("ABC12345", "$0.12/kWh", (german,))) == (
        "SetUserPrice",
        {
            "idToken": "ABC12345", "priceText": "$0.12/kWh",
            "priceTextExtra": [{"format": "UTF8", "language": "de", "content": "0,12 EUR/kWh"}],
        },
    )  # fmt: skip
    assert _said(i.FinalCost("7", Decimal("3.31"), "$2.81 energy, $0.50 idle", qr_code="https://pay/7")) == (
        "FinalCost",
        {"transactionId": 7, "cost": 3.31, "priceText": "$2.81 energy, $0.50 idle", "qrCodeText": "https://pay/7"},
    )


def test_where_prices_travel_otherwise_they_are_refused_or_named_as_lost() -> None:
    for intent in (i.UserPrice("A", "x"), i.FinalCost("7", Decimal(1))):
        assert isinstance(commands_201.to_wire(intent), i.Unsupported)
    wrong = commands_16.to_wire(i.FinalCost("a-uuid", Decimal(1)))
    assert isinstance(wrong, i.Unsupported)
    assert wrong.field == "transaction_id"
    cost = commands_201.to_wire(i.CostUpdated(Decimal(1), "tx", i.CostDetails("Charging")))
    assert not isinstance(cost, i.Unsupported)
    assert cost.lost == ("details",)
