"""A station's own file of what was acknowledged to it: the other side of 'acknowledged means durable'.

One JSON line per event. `sent` lines say what left (its fate may be unknown); `acked` lines are appended and
fsynced before the station goes on, so whatever the file says was acknowledged, was. A verifier compares it with the CSMS.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import trio


class Journal:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def sent(self, action: str, payload: dict[str, Any], unique_id: str) -> None:
        self._append({"kind": "sent", "action": action, "id": unique_id, "request": payload})

    async def acked(self, action: str, payload: dict[str, Any], unique_id: str, result: dict[str, Any]) -> None:
        self._append({"kind": "acked", "action": action, "id": unique_id, "request": payload, "result": result})
        await trio.to_thread.run_sync(os.fsync, self._file)

    def _append(self, line: dict[str, Any]) -> None:
        os.write(self._file, msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Every whole line; a torn last one (the station itself was killed) is left out."""
    lines = path.read_bytes().split(b"\n")
    return [msgspec.json.decode(line) for line in lines[:-1] if line]
