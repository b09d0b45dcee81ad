"""What decoding and validating one message costs, beside `json` and `jsonschema` in the same run.

Ours is what a connection does with a frame's payload: decoded into strict types, checked against every limit of the schema and
made into the canonical message, tokens through the vault. Theirs is `json.loads` and a validator compiled once, the least that
a centre on schemas can do. CPU time of the process, the best of several rounds of each, in turns.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jsonschema
import msgspec

from gateways.ocpp.dialect import Dialect
from gateways.ocpp.dialects import DIALECTS
from gateways.ocpp.rpc import Call
from storage.vault import Vault

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = "2026-11-22T11:00:00Z"
PHASES = ("L1", "L2", "L3")
SAMPLED_201: list[dict[str, Any]] = [
    {
        "value": 12345.6,
        "context": "Sample.Periodic",
        "measurand": "Energy.Active.Import.Register",
        "unitOfMeasure": {"unit": "Wh"},
    },
    {"value": 11.04, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 3}},
    *({"value": 16.01, "measurand": "Current.Import", "phase": phase, "unitOfMeasure": {"unit": "A"}} for phase in PHASES),
]
SAMPLED_16: list[dict[str, Any]] = [
    {"value": "12345.6", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
    {"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"},
    *({"value": "16.01", "measurand": "Current.Import", "phase": phase, "unit": "A"} for phase in PHASES),
]
MESSAGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "2.0.1 TransactionEvent": ("ocpp2.0.1", "TransactionEvent", {
        "eventType": "Updated", "timestamp": AT, "triggerReason": "MeterValuePeriodic", "seqNo": 7, "offline": False,
        "transactionInfo": {"transactionId": "5c2f3f7e-93b1-4b7e-8f3e-2d9b0f1f7a10", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "04A2B3C4D5E6F7", "type": "ISO14443"},
        "meterValue": [{"timestamp": AT, "sampledValue": SAMPLED_201}],
    }),
    "2.0.1 MeterValues": ("ocpp2.0.1", "MeterValues", {
        "evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": SAMPLED_201}],
    }),
    "1.6 MeterValues": ("ocpp1.6", "MeterValues", {
        "connectorId": 1, "transactionId": 77, "meterValue": [{"timestamp": AT, "sampledValue": SAMPLED_16}],
    }),
}  # fmt: skip
SCHEMAS = {"ocpp1.6": ("ocpp.v16.schemas", "{}.json"), "ocpp2.0.1": ("ocpp.v201.schemas", "{}Request.json")}


def decoding(seconds: float = 0.3, rounds: int = 5) -> dict[str, Any]:
    """{message: {ours_us, theirs_us, ratio}}; each round takes about `seconds` a side."""
    return {name: _one(*message, seconds, rounds) for name, message in MESSAGES.items()}


def _one(protocol: str, action: str, payload: dict[str, Any], seconds: float, rounds: int) -> dict[str, Any]:
    text = msgspec.json.encode(payload)
    dialect: Dialect = DIALECTS[protocol]("demo", Vault(bytes(32)), lambda: NOW, True)
    call = Call("1", action, text)
    package, file = SCHEMAS[protocol]
    schema = json.loads(resources.files(package).joinpath(file.format(action)).read_text(encoding="utf-8-sig"))
    validator = jsonschema.validators.validator_for(schema)(schema)

    def ours() -> None:
        dialect.read(call)

    def theirs() -> None:
        validator.validate(json.loads(text))

    sides = (ours, theirs)
    best = [min(found) for found in zip(*([_cost(side, seconds) for side in sides] for _ in range(rounds)), strict=True)]
    return {
        "bytes": len(text),
        "ours_us": round(best[0], 2),
        "theirs_us": round(best[1], 1),
        "ratio": round(best[1] / best[0], 1),
    }


def _cost(work: Callable[[], None], seconds: float) -> float:
    """Microseconds of CPU that one `work` takes."""
    count, spent = 1, 0.0
    while spent < seconds:
        begun = time.process_time()
        for _ in range(count):
            work()
        spent = time.process_time() - begun
        if spent < seconds:
            count = max(count * 2, int(count * seconds / max(spent, 1e-6)) + 1)
    return spent / count * 1e6
