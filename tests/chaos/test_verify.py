"""The verifier sees what it is there to see: loss, doubles, inventions, books that do not add up."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.verify import verify

AT, END = "2026-11-22T10:00:00.000Z", "2026-11-22T10:05:00.000Z"
START = {"connectorId": 1, "idTag": "T", "meterStart": 100, "timestamp": AT}
STOP = {"transactionId": 7, "meterStop": 600, "timestamp": END, "reason": "Local"}
READING = {
    "connectorId": 1,
    "transactionId": 7,
    "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "100", "context": "Sample.Periodic"}]}],
}
EVENT = {
    "eventType": "Started", "timestamp": AT, "triggerReason": "Authorized", "seqNo": 0, "transactionInfo": {"transactionId": "x"},
    "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 100, "context": "Transaction.Begin"}]}],
}  # fmt: skip
ENDED = {**EVENT, "eventType": "Ended", "timestamp": END, "seqNo": 1, "meterValue": []}
STATUS = {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": END}
TOLD = [
    ("BootNotification", {}, {"status": "Accepted"}),
    ("StartTransaction", START, {"transactionId": 7}),
    ("MeterValues", READING, {}),
    ("StopTransaction", STOP, {}),
    ("StatusNotification", STATUS, {}),
    ("TransactionEvent", EVENT, {}),
    ("TransactionEvent", ENDED, {}),
]
API: dict[str, Any] = {
    "sessions": [
        {
            "id": "s1", "number": 7, "station": "CP1", "evse": 1, "started_at": AT, "ended_at": END, "state": "ended",
            "stop_reason": "Local", "cdr": "c1", "energy_wh": 500, "anomalies": [], "transaction_id": "7", "transaction": None,
        },
        {
            "id": "s0", "number": 70, "station": "CP1", "evse": 1, "started_at": AT, "ended_at": END, "state": "ended",
            "stop_reason": "Local", "cdr": "c0", "energy_wh": 0, "anomalies": [], "transaction_id": "x",
            "transaction": {"last_seq": 1, "missing": []},
        },
    ],
    "sessions/s0": {"meter_values": [{"at": AT, "samples": [{"context": "Transaction.Begin"}]}]},
    "sessions/s1": {"meter_values": [{"at": AT, "samples": [{"context": "Sample.Periodic"}]}]},
    "cdrs": [
        {"id": "c1", "session": "s1", "journal": "j1", "total_energy": 0.5},
        {"id": "c0", "session": "s0", "journal": None, "total_energy": 0},
    ],
    "ledger/journals": [
        {
            "id": "j1",
            "entries": [
                {"account": "a", "side": "debit", "amount_minor": 70, "currency": "EUR"},
                {"account": "b", "side": "credit", "amount_minor": 70, "currency": "EUR"},
            ],
        }
    ],
    "stations/CP1": {"boot": {}, "evses": [{"id": 1, "detail": "Available"}]},
}  # fmt: skip


def _problems(home: Path, api: dict[str, Any]) -> list[str]:
    lines = [
        {"kind": kind, "action": action, "id": str(n), "request": request, "result": result}
        for n, (action, request, result) in enumerate(TOLD)
        for kind in ("sent", "acked")
    ]
    (home / "CP1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def answer(request: httpx.Request) -> httpx.Response:
        body = api[request.url.path.removeprefix("/tenants/chaos/")]
        return httpx.Response(200, json={"items": body, "next": None} if isinstance(body, list) else body)

    with httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer)) as client:
        return verify(home, client).problems


def test_a_world_in_order_has_no_problems(tmp_path: Path) -> None:
    assert _problems(tmp_path, API) == []


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda api: api["sessions"].clear(), "lost"),
        (lambda api: api["sessions"].append({**api["sessions"][0], "id": "s2", "number": 8}), "2 sessions for one start"),
        (lambda api: api["sessions"].append({**api["sessions"][0], "number": 9, "started_at": END}), "no station ever started"),
        (lambda api: api["sessions"][0].update(state="active", ended_at=None), "stop of 7 was acknowledged"),
        (lambda api: api["sessions"][0].update(state="quarantined"), "quarantine"),
        (lambda api: api["sessions"][0].update(energy_wh=400), "0.5 kWh"),
        (lambda api: api["sessions/s1"]["meter_values"].clear(), "0 times"),
        (lambda api: api["sessions/s1"]["meter_values"].append(api["sessions/s1"]["meter_values"][0]), "2 times"),
        (lambda api: api["cdrs"].append({**api["cdrs"][0], "id": "c2"}), "two CDRs"),
        (lambda api: api["cdrs"].append({**api["cdrs"][0], "id": "c2", "session": "s2"}), "one journal for two CDRs"),
        (lambda api: api["ledger/journals"].append({**api["ledger/journals"][0], "id": "j2"}), "without a CDR"),
        (lambda api: api["ledger/journals"][0]["entries"].pop(), "does not balance"),
        (lambda api: api["stations/CP1"].update(boot=None), "boot"),
        (lambda api: api["sessions"].pop(1), "event 0 of x was acknowledged, the session is lost"),
        (lambda api: api["sessions"][1].update(transaction_id="y"), "no station ever told of"),
        (lambda api: api["sessions"][1]["transaction"].update(missing=[[1, 1]]), "event 1 is lost"),
        (lambda api: api["sessions"][1]["transaction"].update(last_seq=0), "event 1 is lost"),
        (lambda api: api["sessions"][1].update(started_at=END), "another start"),
        (lambda api: api["sessions"][1].update(state="active"), "the end of x was acknowledged"),
        (lambda api: api["sessions"][1].update(cdr=None, phase="ended"), "x ended without a CDR"),
        (lambda api: api["sessions/s0"]["meter_values"].clear(), "is there 0 times"),
        (lambda api: api["stations/CP1"]["evses"][0].update(detail="Charging"), "last said Available"),
    ],
)
def test_every_kind_of_damage_is_named(tmp_path: Path, damage: Callable[[dict[str, Any]], Any], word: str) -> None:
    api = copy.deepcopy(API)
    damage(api)
    assert any(word in problem for problem in _problems(tmp_path, api))
