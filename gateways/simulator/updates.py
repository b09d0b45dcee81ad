"""Firmware updates and log uploads as stations tell of them: a sequence of statuses, some of which are bad news.

No file is moved: what is simulated is the telling. Failures are rolled (`--firmware-failures`) or written behind the
location's `#`: `http://x/fw-2.0.bin#InstallationFailed` ends that way, at the first attempt and at every other.
"""

import random
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

import trio

from gateways.simulator import limits
from gateways.simulator.clock import StationClock
from gateways.simulator.faults import strikes

Tell = Callable[[str], Awaitable[None]]
_UNSIGNED_FAILURES = ("DownloadFailed", "InstallationFailed")
_SIGNED_FAILURES = (*_UNSIGNED_FAILURES, "InvalidSignature", "InstallVerificationFailed")
_UPLOAD_FAILURES = ("UploadFailure", "UploadFailed", "BadMessage", "PermissionDenied", "NotSupportedOperation")
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Host(Protocol):
    """What an update needs of its station."""

    clock: StationClock
    firmware: str
    dice: random.Random
    nursery: trio.Nursery

    async def idle(self) -> None: ...
    async def reboot(self, reason: str) -> None: ...
    async def online(self) -> None: ...


def new_version(location: str, current: str) -> str:
    """The version in the file's name; without one, the next after the current."""
    name = urlsplit(location).path.rsplit("/", 1)[-1]
    if found := _VERSION.search(name):
        return found.group()
    head, dot, last = current.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdigit() else f"{current}.1"


class Updater:
    """At most one firmware update at a time; a newer one replaces it while nothing is being installed."""

    def __init__(self, host: Host, failures: float) -> None:
        self._host = host
        self._failures = failures
        self._scope: trio.CancelScope | None = None
        self.status = "Idle"
        self.request_id: int | None = None

    @property
    def running(self) -> bool:
        return self._scope is not None

    def begin(
        self,
        location: str,
        tell: Tell,
        *,
        signed: bool,
        scheduled: bool,
        retrieve: datetime | None = None,
        install: datetime | None = None,
        retries: int = 0,
        request_id: int | None = None,
    ) -> str:
        """Accepted, AcceptedCanceled (an update that was running is not any more) or Rejected (it cannot be stopped now).
        `scheduled`: the version of OCPP has words for what is waited for."""
        canceled = self._scope is not None
        if self._scope is not None:
            if self.status in ("Installing", "InstallRebooting"):
                return "Rejected"
            self._scope.cancel()
        self._scope = trio.CancelScope()
        self.request_id = request_id
        self._host.nursery.start_soon(self._run, self._scope, location, tell, signed, scheduled, retrieve, install, retries)
        return "AcceptedCanceled" if canceled else "Accepted"

    async def _run(
        self,
        scope: trio.CancelScope,
        location: str,
        tell: Tell,
        signed: bool,
        scheduled: bool,
        retrieve: datetime | None,
        install: datetime | None,
        retries: int,
    ) -> None:
        async def say(status: str) -> None:
            self.status = status
            await tell(status)

        try:
            with scope:
                await trio.sleep(limits.STAGE_PAUSE)
                await self._wait_for(retrieve, say if scheduled else None, "DownloadScheduled")
                if await self._download(location, say, signed, retries):
                    await self._wait_for(install, say if scheduled else None, "InstallScheduled")
                    await self._install(location, say, signed)
        finally:
            if self._scope is scope:
                self._scope = None
                self.status = "Idle" if self.status == "Installed" else self.status

    async def _wait_for(self, at: datetime | None, say: Tell | None, status: str) -> None:
        wait = (at - self._host.clock.now()).total_seconds() if at is not None else 0.0
        if wait > 0:
            if say is not None:
                await say(status)
            await trio.sleep(min(wait, limits.UPDATES_WAIT_MOST))

    def _fate(self, location: str, signed: bool) -> str:
        known = _SIGNED_FAILURES if signed else _UNSIGNED_FAILURES
        written = urlsplit(location).fragment
        if written in known:
            return written
        return self._host.dice.choice(known) if strikes(self._host.dice, self._failures) else ""

    async def _download(self, location: str, say: Tell, signed: bool, retries: int) -> bool:
        for left in range(retries, -1, -1):
            self._end = self._fate(location, signed)
            await say("Downloading")
            await trio.sleep(limits.STAGE_PAUSE)
            if self._end != "DownloadFailed":
                break
            if not left:
                await say("DownloadFailed")
                return False
        await say("Downloaded")
        await trio.sleep(limits.STAGE_PAUSE)
        if signed:
            if self._end == "InvalidSignature":
                await say("InvalidSignature")
                return False
            await say("SignatureVerified")
        return True

    async def _install(self, location: str, say: Tell, signed: bool) -> None:
        host = self._host
        await host.idle()  # a car is never thrown out for an update
        await say("Installing")
        await trio.sleep(limits.STAGE_PAUSE)
        if self._end:
            await say(self._end)
            return
        if signed:
            await say("InstallRebooting")
        host.firmware = new_version(location, host.firmware)
        await host.reboot("FirmwareUpdate")
        await host.online()
        await say("Installed")


class Uploader:
    """Diagnostics and logs on their way to the operator: at most one at a time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._scope: trio.CancelScope | None = None
        self._tell: Tell | None = None
        self.status = "Idle"
        self.request_id: int | None = None

    def begin(self, location: str, tell: Tell, *, failure: str, request_id: int | None = None) -> str:
        """Accepted or AcceptedCanceled. `failure`: what this version of OCPP calls an upload that failed."""
        canceled = self._scope is not None
        if self._scope is not None:
            self._scope.cancel()
        self._scope = trio.CancelScope()
        self.request_id = request_id
        self._host.nursery.start_soon(self._run, self._scope, location, tell, failure)
        return "AcceptedCanceled" if canceled else "Accepted"

    async def _run(self, scope: trio.CancelScope, location: str, tell: Tell, failure: str) -> None:
        try:
            with scope:
                self.status = "Uploading"
                await tell("Uploading")
                await trio.sleep(limits.STAGE_PAUSE)
                written = urlsplit(location).fragment
                last = (failure if written.startswith("Upload") else written) if written in _UPLOAD_FAILURES else "Uploaded"
                await tell(last)
        finally:
            if self._scope is scope:
                self._scope, self.status = None, "Idle"
