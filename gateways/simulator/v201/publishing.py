"""Firmware that a station offers to its neighbours on the local network (L03, L04): told, not moved, like updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio

from gateways.simulator import limits

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]


class Publisher:
    def __init__(self, station: Station201) -> None:
        self._station = station
        self._scope: trio.CancelScope | None = None
        self._checksum = ""
        self.published: dict[str, str] = {}
        """Checksum -> where neighbours find it."""
        self.status = "Idle"
        self.request_id: int | None = None

    def begin(self, location: str, checksum: str, request_id: int) -> str:
        if self._scope is not None:
            return "Rejected"
        self._scope = trio.CancelScope()
        self._checksum, self.request_id = checksum, request_id
        self._station.nursery.start_soon(self._run, location, checksum, request_id, self._scope)
        return "Accepted"

    def end(self, checksum: str) -> str:
        if self._scope is not None and checksum == self._checksum:
            return "DownloadOngoing"
        return "Unpublished" if self.published.pop(checksum, None) is not None else "NoFirmware"

    async def _run(self, location: str, checksum: str, request_id: int, scope: trio.CancelScope) -> None:
        written = urlsplit(location).fragment
        try:
            with scope:
                for stage, failure in (
                    ("Downloading", "DownloadFailed"),
                    ("Downloaded", "InvalidChecksum"),
                    ("ChecksumVerified", "PublishFailed"),
                ):
                    await self._say(stage, request_id)
                    await trio.sleep(limits.STAGE_PAUSE)
                    if written == failure:
                        await self._say(failure, request_id)
                        return
                name = urlsplit(location).path.rsplit("/", 1)[-1]
                self.published[checksum] = f"http://{self._station.settings.identity}.local/{name}"[:512]
                await self._say("Published", request_id, location=[self.published[checksum]])
        finally:
            self._scope = None
            self.status = "Published" if checksum in self.published else "Idle"

    async def _say(self, status: str, request_id: int, **more: Any) -> None:
        self.status = status
        await self._station.report("PublishFirmwareStatusNotification", {"status": status, "requestId": request_id, **more})
