"""A 1.6 station: boot, statuses, transactions with a number that the central system gives, readings by configuration keys.

What the central system asks of it is answered in commands.py and security.py.
"""

import random
from datetime import datetime, timedelta
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.certificates import KeyStore
from gateways.simulator.clock import StationClock, wire_time
from gateways.simulator.faults import strikes
from gateways.simulator.journal import Journal
from gateways.simulator.link import Answer, CallError, Line, LinkLost
from gateways.simulator.memory import Pending, StationSettings
from gateways.simulator.physics.battery import Battery
from gateways.simulator.physics.sampling import samples
from gateways.simulator.physics.schedule import TRANSACTION, Charge, next_change
from gateways.simulator.station import Payload, Station
from gateways.simulator.stats import Stats
from gateways.simulator.updates import Updater, Uploader
from gateways.simulator.v16 import commands
from gateways.simulator.v16.memory import Connector16, Transaction, default_configuration

_MEASURANDS = {"Sample.Clock": "MeterValuesAlignedData", "Transaction.End": "StopTxnSampledData"}
_UNITS = {"Hz": None}
"""What 1.6 has no word for is sent without a unit."""


class Station16(Station[Connector16]):
    def __init__(
        self,
        settings: StationSettings,
        *,
        rng: random.Random,
        stats: Stats,
        clock: StationClock | None = None,
        journal: Journal | None = None,
    ) -> None:
        super().__init__(settings, rng=rng, stats=stats, clock=clock, journal=journal)
        model = settings.model
        self.configuration: dict[str, tuple[str, bool]] = default_configuration(model)
        self.local_list: dict[str, Payload] = {}
        self.local_list_version = 0
        self.keys = KeyStore()
        self.updater: Updater = Updater(self, settings.firmware_failures)
        self.uploader: Uploader = Uploader(self)
        self.connectors = [Connector16(n + 1, self._new_meter()) for n in range(model.connectors)]

    # -- the line -------------------------------------------------------------------------------------------

    @property
    def boot_notification(self) -> Payload:
        model = self.settings.model
        return {
            "chargePointVendor": model.vendor,
            "chargePointModel": model.model,
            "chargePointSerialNumber": self.settings.identity[:25],
            "firmwareVersion": self.firmware,
        }

    async def _greet(self, link: Line) -> float:
        if self.registration != "Accepted" or not strikes(self.dice, self.settings.faults.no_boot):
            self._granted = await self._until_accepted(link, self.boot_notification)
        interval = self._granted
        for connector in self.connectors:
            await self._send_status(link, connector)
            transaction = connector.transaction
            if transaction is not None and transaction.interrupted:
                transaction.interrupted = False
                connector.meter.begin(self.clock.real())
                self.meter(connector, "Interruption.End")
        return interval

    def _heartbeat_interval(self, granted: float) -> float:
        return float(self.configuration["HeartbeatInterval"][0] or granted)

    async def _handle(self, action: str, payload: Payload) -> Answer:
        return commands.answer(self, action, payload)

    def _complete(self, pending: Pending) -> Payload:
        payload = dict(pending.payload)
        if pending.action != "StartTransaction":
            payload["transactionId"] = pending.transaction.number if pending.transaction.number is not None else -1
        return payload

    def _settle(self, pending: Pending, result: Payload) -> None:
        transaction: Transaction = pending.transaction
        if pending.action == "StartTransaction":
            transaction.number = int(result.get("transactionId", -1))
            transaction.status = str((result.get("idTagInfo") or {}).get("status", ""))
            self.stats.counts["started"] += 1
            if transaction.status != "Accepted" and self.flag("StopTransactionOnInvalidId") and not transaction.stopping:
                self.end(self.connectors[transaction.connector - 1], "DeAuthorized")
        elif pending.action == "StopTransaction":
            self.stats.counts["stopped"] += 1
            self.stats.energy_wh += int(pending.payload["meterStop"]) - transaction.meter_start

    # -- what is due ----------------------------------------------------------------------------------------

    def _tick(self, now: datetime) -> float:
        """Periodic and clock-aligned readings, reservations that expire, limits and flows that change."""
        time, real = trio.current_time(), self.clock.real()
        self.apply_limits(real)
        change = next_change(self.schedule(), self._charges(), real, real + timedelta(seconds=limits.TICK_MOST))
        pause = (change - real).total_seconds()
        for connector in self.connectors:
            transaction = connector.transaction
            if transaction is not None and not transaction.interrupted:
                if time >= transaction.next_sample:
                    self.meter(connector)
                pause = min(pause, transaction.next_sample - time)
                self._show_flow(connector)
            if connector.reservation is not None:
                left = (connector.reservation.expires - now).total_seconds()
                if left <= 0:
                    self.release(connector)
                else:
                    pause = min(pause, left)
        return min(pause, self._aligned(now))

    def _aligned(self, now: datetime) -> float:
        """ClockAlignedDataInterval: readings at the same moments on every station."""
        every = self.number("ClockAlignedDataInterval")
        if every <= 0:
            return limits.TICK_MOST
        past = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        slot = int(past // every)
        if self._slot not in (None, slot):
            for connector in self.connectors:
                if connector.transaction is not None:
                    self.meter(connector, "Sample.Clock")
                elif self.is_online:
                    reading = self.reading(connector, "Sample.Clock")
                    self.nursery.start_soon(self.say, "MeterValues", {"connectorId": connector.id, "meterValue": [reading]})
        self._slot = slot
        return (slot + 1) * every - past

    _slot: int | None = None
    _granted = limits.HEARTBEAT_DEFAULT
    """The heartbeat interval of the last boot."""

    def _show_flow(self, connector: Connector16) -> None:
        """Charging, or who holds it up: told when it changes."""
        if connector.status not in ("Charging", "SuspendedEV", "SuspendedEVSE"):
            return
        meter = connector.meter
        if meter.offered_w <= 0:
            status = "SuspendedEVSE"
        elif meter.paused or (meter.battery is not None and meter.battery.full):
            status = "SuspendedEV"
        else:
            status = "Charging"
        if status != connector.status:
            self.nursery.start_soon(self.status, connector, status)

    def charge(self, connector: Connector16) -> Charge | None:
        transaction = connector.transaction
        if transaction is None:
            return None
        return Charge(str(transaction.number), transaction.began)

    def _charges(self) -> list[Charge | None]:
        return [self.charge(connector) for connector in self.connectors]

    # -- the driver's verbs -------------------------------------------------------------------------------

    async def status(self, connector: Connector16, status: str, error: str = "NoError") -> None:
        """Change it, and say so when there is somebody to say it to."""
        connector.status, connector.error = status, error
        await self.tell_status(connector)

    async def tell_status(self, connector: Connector16) -> None:
        if self.link is not None and self.is_online:
            try:
                await self._send_status(self.link, connector)
            except (LinkLost, CallError) as problem:
                self.stats.problem("errors", f"{self.settings.identity}: status: {problem}")

    async def _send_status(self, link: Line, connector: Connector16) -> None:
        payload = {
            "connectorId": connector.id,
            "errorCode": connector.error,
            "status": connector.status,
            "timestamp": wire_time(self.clock.now()),
        }
        await self.call("StatusNotification", payload, link=link)

    async def plug(self, connector: Connector16) -> None:
        connector.meter.battery = Battery.roll(self.rng)
        await self.status(connector, "Preparing")

    async def unplug(self, connector: Connector16) -> None:
        if connector.transaction is not None and self.flag("StopTransactionOnEVSideDisconnect"):
            self.end(connector, "EVDisconnected")
        connector.meter.battery = None
        await self.status(connector, self.idle_status(connector))

    def idle_status(self, connector: Connector16) -> str:
        if not connector.operative:
            return "Unavailable"
        return "Reserved" if connector.reservation is not None else "Available"

    async def authorize(self, id_tag: str) -> str:
        """The central system's word on a tag; offline, the station's own: its list, and otherwise it trusts everybody."""
        try:
            answer = await self.call("Authorize", {"idTag": id_tag})
        except (LinkLost, CallError):
            return str(self.local_list.get(id_tag, {}).get("status", "Accepted"))
        return str((answer.get("idTagInfo") or {}).get("status", "Invalid"))

    def begin(self, connector: Connector16, id_tag: str) -> Pending | None:
        """A transaction begins now; its StartTransaction is queued. None when one is running."""
        if connector.transaction is not None:
            return None
        now, real = self.clock.now(), self.clock.real()
        transaction = Transaction(connector.id, id_tag, connector.meter.read(real), real)
        transaction.next_sample = self._next_sample()
        payload: dict[str, Any] = {
            "connectorId": connector.id,
            "idTag": id_tag,
            "meterStart": transaction.meter_start,
            "timestamp": wire_time(now),
        }
        if connector.reservation is not None:
            payload["reservationId"], connector.reservation = connector.reservation.id, None
        connector.transaction = transaction
        connector.meter.begin(real)
        self.stir()
        return self._enqueue("StartTransaction", payload, transaction)

    async def start(self, connector: Connector16, id_tag: str) -> None:
        await self.settled(self.begin(connector, id_tag))
        await self.status(connector, "Charging")

    def replan(self) -> None:
        """An interval was changed: what was planned by the old one is planned anew."""
        for connector in self.connectors:
            if connector.transaction is not None:
                connector.transaction.next_sample = self._next_sample()
        self.stir()

    def _next_sample(self) -> float:
        every = self.number("MeterValueSampleInterval")
        return trio.current_time() + every if every > 0 else float("inf")

    def meter(self, connector: Connector16, context: str = "Sample.Periodic") -> Pending | None:
        """A reading of the running transaction is queued."""
        if connector.transaction is None:
            return None
        if context == "Sample.Periodic":
            connector.transaction.next_sample = self._next_sample()
        payload = {"connectorId": connector.id, "meterValue": [self.reading(connector, context)]}
        return self._enqueue("MeterValues", payload, connector.transaction)

    def end(self, connector: Connector16, reason: str = "Local") -> Pending | None:
        """The running transaction ends now; its StopTransaction is queued."""
        transaction = connector.transaction
        if transaction is None:
            return None
        now, real = self.clock.now(), self.clock.real()
        final = self.reading(connector, "Transaction.End")
        connector.meter.end(real)
        transaction.stopping = True
        connector.transaction = None
        self._note_end()
        payload = {
            "meterStop": connector.meter.read(real),
            "timestamp": wire_time(now),
            "reason": reason,
            "transactionData": [final],
        }
        if reason == "Local":
            payload["idTag"] = transaction.id_tag
        for number, (profile, _) in list(self.profiles.items()):
            if profile.purpose == TRANSACTION and profile.evse == connector.id:
                del self.profiles[number]
        return self._enqueue("StopTransaction", payload, transaction)

    async def stop(self, connector: Connector16, reason: str) -> None:
        pending = self.end(connector, reason)
        await self.status(connector, "Finishing")
        await self.settled(pending)

    async def restrict(self, connector: Connector16, watts: float | None) -> None:
        """1.6 has no word for it: the car feels it, and the composite schedule tells."""
        self._set_external(connector, watts)
        self.apply_limits(self.clock.real())

    def pause(self, connector: Connector16, paused: bool) -> None:
        connector.meter.read(self.clock.real())
        connector.meter.paused = paused
        self.stir()

    def reading(self, connector: Connector16, context: str) -> dict[str, Any]:
        key = _MEASURANDS.get(context, "MeterValuesSampledData")
        names = [name for name in self.configuration[key][0].split(",") if name] or ["Energy.Active.Import.Register"]
        values = []
        for sample in samples(connector.meter, names, self.clock.real()):
            value = {"value": f"{sample.value:g}" if sample.unit != "Wh" else str(int(sample.value)), "context": context}
            value["measurand"] = sample.measurand
            if sample.phase is not None:
                value["phase"] = sample.phase
            if (unit := _UNITS.get(sample.unit, sample.unit)) is not None:
                value["unit"] = unit
            values.append(value)
        return {"timestamp": wire_time(self.clock.now()), "sampledValue": values}

    def release(self, connector: Connector16) -> None:
        """A reservation is over."""
        connector.reservation = None
        if connector.status == "Reserved":
            self.nursery.start_soon(self.status, connector, self.idle_status(connector))

    @property
    def busy(self) -> bool:
        return any(connector.transaction is not None for connector in self.connectors)

    def flag(self, key: str) -> bool:
        return self.configuration.get(key, ("", False))[0].lower() == "true"

    def number(self, key: str) -> float:
        try:
            return float(self.configuration[key][0])
        except (KeyError, ValueError):
            return 0.0

    # -- accidents ----------------------------------------------------------------------------------------

    def _interrupt(self, *, resume: bool) -> None:
        for connector in self.connectors:
            if resume and connector.transaction is not None:
                self.meter(connector, "Interruption.Begin")
                connector.meter.end(self.clock.real())
                connector.transaction.interrupted = True
            else:
                self.end(connector, "PowerLoss")
                connector.status = self.idle_status(connector)

    async def reboot(self, reason: str) -> None:
        """On the central system's Reset, or with new firmware."""
        for connector in self.connectors:
            self.end(connector, "Reboot" if reason == "FirmwareUpdate" else reason)
            connector.status = self.idle_status(connector)
        if reason == "SoftReset":
            with trio.move_on_after(5):
                await self.emptied()
        await self.drop()
