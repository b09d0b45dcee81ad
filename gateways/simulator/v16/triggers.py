"""What a 1.6 station says because it was asked to: TriggerMessage and ExtendedTriggerMessage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateways.simulator.v16.memory import Connector16

if TYPE_CHECKING:
    from gateways.simulator.v16.station import Station16

Payload = dict[str, Any]


async def triggered(station: Station16, wanted: str, concerned: Sequence[Connector16]) -> None:
    """Say what TriggerMessage or ExtendedTriggerMessage asked for."""
    if wanted == "StatusNotification":
        for connector in concerned:
            await station.status(connector, connector.status, connector.error)
    elif wanted == "MeterValues":
        for connector in concerned:
            if station.meter(connector, "Trigger") is None:
                reading = station.reading(connector, "Trigger")
                await station.say(wanted, {"connectorId": connector.id, "meterValue": [reading]})
    else:
        await station.say(wanted, TRIGGERS[wanted](station))


TRIGGERS: dict[str, Callable[[Station16], Payload]] = {
    "BootNotification": lambda station: station.boot_notification,
    "DiagnosticsStatusNotification": lambda station: {"status": station.uploader.status},
    "FirmwareStatusNotification": lambda station: {"status": station.updater.status},
    "Heartbeat": lambda station: {},
    "MeterValues": lambda station: {},
    "StatusNotification": lambda station: {},
}
