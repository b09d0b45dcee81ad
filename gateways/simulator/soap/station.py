"""A 1.6 station whose line is SOAP, in the words of 1.6-S or of 1.5.

It boots when it was switched on, not when a connection was lost: connections mean nothing here. A Heartbeat tells then whether
the central system is back.
"""

from collections.abc import Sequence
from typing import Any

import trio

from gateways.simulator.link import Line
from gateways.simulator.soap.http import Callbacks
from gateways.simulator.soap.line import GARBAGE, SoapLine
from gateways.simulator.soap.tables import V15, V16
from gateways.simulator.v16.station import Station16

VERSIONS = {version.protocol: version for version in (V15, V16)}


class SoapStation(Station16):
    callbacks: Callbacks
    """Where the central system calls it back; set by whoever runs the fleet."""

    _switched_on = True

    async def _open(self, nursery: trio.Nursery) -> Line:
        settings = self.settings
        return SoapLine(
            VERSIONS[settings.protocol],
            settings.url,
            settings.identity,
            self._counted,
            self.callbacks,
            password=self.password,
            tls=self.tls,
            zipped=self.settings.zipped,
        )

    async def _greet(self, link: Line) -> float:
        if self._switched_on:
            self.registration = ""
            await super()._greet(link)
            self._switched_on = False
        else:
            await self.call("Heartbeat", {}, link=link)
            for connector in self.connectors:
                await self._send_status(link, connector)
        return self._granted

    def _interrupt(self, *, resume: bool) -> None:
        self._switched_on = True
        super()._interrupt(resume=resume)

    async def reboot(self, reason: str) -> None:
        self._switched_on = True
        await super().reboot(reason)

    def _garbage(self) -> Sequence[Any]:
        return GARBAGE
