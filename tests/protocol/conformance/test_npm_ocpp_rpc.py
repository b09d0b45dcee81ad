"""The npm package `ocpp-rpc` as the station, in strict mode: an implementation in another language, with its own schemas.

It is looked for in `.node/` of the checkout, where `.ci/run` installs it.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.conformance.kit import PASSWORD, TENANT, Csms, case

ROOT = Path(__file__).parents[3]
PACKAGES = ROOT / ".node" / "node_modules"
SCRIPT = Path(__file__).with_name("station.cjs")
pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PACKAGES / "ocpp-rpc").exists(),
    reason="needs Node.js and `npm install --prefix .node --no-package-lock ocpp-rpc`",
)
COMMANDS: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "ocpp1.6": [
        ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}, "Accepted"),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, "Accepted"),
        ("ClearCache", {}, "Accepted"),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "Accepted"),
        ("UnlockConnector", {"connectorId": 1}, "Unlocked"),
        ("Reset", {"type": "Soft"}, "Accepted"),
    ],
    "ocpp2.0.1": [
        ("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}}, "Accepted"),
        ("ClearCache", {}, "Accepted"),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "Accepted"),
        ("UnlockConnector", {"evseId": 1, "connectorId": 1}, "Unlocked"),
        ("Reset", {"type": "OnIdle"}, "Accepted"),
    ],
}


class Client:
    """The Node process; what it said, as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def until(self, kind: str) -> None:
        assert self.process.stdout is not None
        while not any(line["kind"] == kind for line in self.lines):
            raw = await asyncio.wait_for(self.process.stdout.readline(), 60)
            if not raw:
                break
            self.lines.append(json.loads(raw))
        assert not self.of("failed"), self.lines

    async def end(self) -> None:
        out, err = await asyncio.wait_for(self.process.communicate(b"stop\n"), 60)
        self.lines += [json.loads(line) for line in out.splitlines()]
        assert self.process.returncode == 0, err

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == kind]


@case("16_ocpp-rpc_strict")
@pytest.mark.parametrize("protocol", list(COMMANDS))
async def test_a_strict_station_in_another_language_charges_and_takes_commands(csms: Csms, protocol: str) -> None:
    identity = f"NPM{protocol[4:].replace('.', '')}"
    path = f"/tenants/{TENANT}/stations/{identity}"
    body = {"evses": 1, "auth": {"profile": 1, "password": PASSWORD}, "tariff": "T1"}
    assert (await csms.api.put(path, json=body)).is_success
    arguments = [str(SCRIPT), f"ws://127.0.0.1:{csms.node.ocpp_port}/ocpp/{TENANT}", identity, PASSWORD, protocol]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    environment = os.environ | {"NODE_PATH": str(PACKAGES)}
    client = Client(await asyncio.create_subprocess_exec("node", *arguments, env=environment, **pipes))
    await client.until("ready")
    for action, payload, status in COMMANDS[protocol]:
        answer = await csms.api.post(f"{path}/commands/{action}", json=payload, params={"version": protocol})
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["status"] == status
    await client.end()
    assert not client.of("wrong"), "strict mode found a frame that breaks its schema"
    heard = {line["method"]: line["params"] for line in client.of("heard")}
    assert all(heard[action] == payload for action, payload, _ in COMMANDS[protocol])
    told = {line["method"]: line["result"] for line in client.of("told")}
    assert told["BootNotification"]["status"] == "Accepted"
    (row,) = await csms.get(f"/tenants/{TENANT}/sessions", station=identity)
    assert (row["state"], row["energy_wh"], row["stop_reason"]) == ("ended", 2000, "Remote")
    assert row["cdr"]
