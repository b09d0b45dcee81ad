"""A 2.0.1 station: boot with a reason, statuses and events, transactions by their points, everything by its device model.

It boots once, not at every connection: after a plain loss of the line it says only what changed meanwhile. What the central
system asks of it is answered in commands.py and the modules that it names.
"""

import random
from collections import deque
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.certificates import KeyStore
from gateways.simulator.clock import StationClock, wire_time
from gateways.simulator.faults import strikes
from gateways.simulator.journal import Journal
from gateways.simulator.link import Answer, CallError, Line, Link, LinkLost
from gateways.simulator.memory import Pending, StationSettings
from gateways.simulator.physics.battery import Battery
from gateways.simulator.physics.schedule import Charge, next_change
from gateways.simulator.station import Payload, Station
from gateways.simulator.stats import Stats
from gateways.simulator.updates import Updater, Uploader
from gateways.simulator.v201 import charging, commands, transactions
from gateways.simulator.v201.device_model import DeviceModel
from gateways.simulator.v201.living import describe
from gateways.simulator.v201.memory import Evse, Reservation, Transaction
from gateways.simulator.v201.monitoring import Monitors
from gateways.simulator.v201.network import Network
from gateways.simulator.v201.publishing import Publisher
from gateways.simulator.v201.tokens import Tokens


class Station201(Station[Evse]):
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
        self.connectors: list[Evse] = [Evse(n + 1, self._new_meter()) for n in range(settings.model.connectors)]
        self.model = DeviceModel(settings.model)
        self.tokens = Tokens(self.model, self.clock)
        self.monitors: Monitors = Monitors(self)
        self.network = Network(self.model, settings.url)
        self.reservations: dict[int, Reservation] = {}
        self.messages: dict[int, Payload] = {}
        self.keys = KeyStore()
        self.updater: Updater = Updater(self, settings.firmware_failures)
        self.uploader: Uploader = Uploader(self)
        self.publisher: Publisher = Publisher(self)
        self.events: deque[Payload] = deque(maxlen=limits.EVENTS_QUEUED_MOST)
        """Alerts that wait for a line."""
        self._boot_reason: str | None = "PowerUp"
        self._lost_at: float | None = None
        self._slot: int | None = None
        self._wants_events = True
        describe(self)

    # -- the line -------------------------------------------------------------------------------------------

    async def _open(self, nursery: trio.Nursery) -> Line:
        settings = self.settings
        try:
            link = await Link.open(
                nursery,
                self.network.url,
                settings.identity,
                self._counted,
                password=self.password,
                protocol=settings.protocol,
                tls=self.tls,
                slow=strikes(self.dice, settings.faults.slow),
            )
        except BaseException:
            self.network.failed()
            raise
        self.network.connected()
        return link

    @property
    def boot_notification(self) -> Payload:
        model = self.settings.model
        return {
            "vendorName": model.vendor,
            "model": model.model,
            "serialNumber": self.settings.identity[:25],
            "firmwareVersion": self.firmware,
        }

    async def _greet(self, link: Line) -> float:
        reason = self._boot_reason
        if reason is None and self.registration == "Accepted":
            await self._returned(link)
            return self.model.number("OCPPCommCtrlr", "HeartbeatInterval") or limits.HEARTBEAT_DEFAULT
        boot = {"chargingStation": self.boot_notification, "reason": reason or "PowerUp"}
        interval = await self._until_accepted(link, boot)
        self._boot_reason = None
        self.model.put("OCPPCommCtrlr", "HeartbeatInterval", str(int(interval)))
        for evse in self.connectors:
            await self._tell_status(link, evse)
            transactions.take_up(self, evse)
        if reason is not None:
            event = "FirmwareUpdated" if reason == "FirmwareUpdate" else "StartupOfTheDevice"
            self.nursery.start_soon(commands.security_event, self, event)
        return interval

    async def _returned(self, link: Line) -> None:
        """After a loss of the line: every status when it was long, those that changed when it was short."""
        away = trio.current_time() - self._lost_at if self._lost_at is not None else 0.0
        everything = away >= self.model.number("OCPPCommCtrlr", "OfflineThreshold")
        for evse in self.connectors:
            if everything or self.status_of(evse) != evse.told:
                await self._tell_status(link, evse)
        waited = list(self.events)
        self.events.clear()
        for event in waited:
            self.nursery.start_soon(self.report, "NotifyEvent", event)

    async def _one_connection(self, nursery: trio.Nursery) -> bool:
        lived = await super()._one_connection(nursery)
        if lived:
            self._lost_at = trio.current_time()
        return lived

    def _heartbeat_interval(self, granted: float) -> float:
        return self.model.number("OCPPCommCtrlr", "HeartbeatInterval") or granted

    async def _handle(self, action: str, payload: Payload) -> Answer:
        return commands.answer(self, action, payload)

    def _complete(self, pending: Pending) -> Payload:
        return pending.payload

    def _expendable(self, pending: Pending) -> bool:
        return bool(pending.payload.get("triggerReason") in ("MeterValuePeriodic", "MeterValueClock"))

    def _settle(self, pending: Pending, result: Payload) -> None:
        transaction: Transaction = pending.transaction
        kind, token = pending.payload["eventType"], pending.payload.get("idToken")
        if kind == "Started":
            self.stats.counts["started"] += 1
        elif kind == "Ended":
            self.stats.counts["stopped"] += 1
            self.stats.energy_wh += transaction.energy_wh
        if result.get("totalCost") is not None:
            transaction.cost = float(result["totalCost"])
        info = result.get("idTokenInfo")
        if token is not None and info is not None:
            self.tokens.remember(token, info)
            if info.get("status") != "Accepted" and not transaction.ended and kind != "Ended":
                transactions.deauthorize(self, transaction)

    def queue(self, action: str, payload: Payload, transaction: Any) -> Pending:
        return self._enqueue(action, payload, transaction)

    # -- statuses and events --------------------------------------------------------------------------------

    def status_of(self, evse: Evse) -> str:
        if not evse.operative:
            return "Unavailable"
        if evse.plugged:
            return "Occupied"
        reserved = any(reservation.evse == evse.id for reservation in self.reservations.values())
        return "Reserved" if reserved else "Available"

    def station_status(self) -> str:
        return "Available" if any(evse.operative for evse in self.connectors) else "Unavailable"

    async def refresh(self, evse: Evse) -> None:
        """Tell the status when it is another than the one told last."""
        if self.status_of(evse) != evse.told:
            await self.tell_status(evse)

    async def tell_status(self, evse: Evse) -> None:
        link = self.link
        if link is not None and self.is_online:
            try:
                await self._tell_status(link, evse)
            except (LinkLost, CallError) as problem:
                self.stats.problem("errors", f"{self.settings.identity}: status: {problem}")

    async def _tell_status(self, link: Line, evse: Evse) -> None:
        status, before = self.status_of(evse), evse.told
        evse.told = status
        notice = {"timestamp": wire_time(self.clock.now()), "connectorStatus": status, "evseId": evse.id, "connectorId": 1}
        await self.call("StatusNotification", notice, link=link)
        if before in ("", status) or not self._wants_events:
            return
        try:
            await self.call("NotifyEvent", self.monitors.availability(evse, status), link=link)
        except CallError as error:
            if error.code not in ("NotSupported", "NotImplemented"):
                raise
            self._wants_events = False  # StatusNotification says the same
            self.stats.counts["unsupported"] += 1

    # -- what is due ----------------------------------------------------------------------------------------

    def _tick(self, now: datetime) -> float:
        """Readings, reservations that expire, limits and flows that change, monitors that cross."""
        time, real = trio.current_time(), self.clock.real()
        self.apply_limits(real)
        held = self.schedule()
        change = next_change(
            held, [self.charge(evse) for evse in self.connectors], real, real + timedelta(seconds=limits.TICK_MOST)
        )
        pause = min((change - real).total_seconds(), self.monitors.check(now))
        for evse in self.connectors:
            transaction = evse.transaction
            if transaction is None or transaction.interrupted:
                continue
            transactions.show_flow(self, evse)
            if time >= transaction.next_sample:
                self.meter(evse)
            if time >= transaction.next_kept:
                transactions.keep_reading(self, evse, transaction)
            pause = min(pause, transaction.next_sample - time, transaction.next_kept - time)
        for reservation in list(self.reservations.values()):
            left = (reservation.expires - now).total_seconds()
            if left <= 0:
                self.release(reservation, "Expired")
            else:
                pause = min(pause, left)
        return min(pause, self._aligned(now))

    def _aligned(self, now: datetime) -> float:
        every = self.model.number("AlignedDataCtrlr", "Interval")
        if every <= 0 or not self.model.flag("AlignedDataCtrlr", "Enabled"):
            return limits.TICK_MOST
        past = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        slot = int(past // every)
        if self._slot not in (None, slot):
            only_idle = self.model.flag("AlignedDataCtrlr", "SendDuringIdle")
            for evse in self.connectors:
                if evse.transaction is not None and not only_idle:
                    transactions.event(self, evse, evse.transaction, "Updated", "MeterValueClock")
                elif evse.transaction is None and self.is_online:
                    value = transactions.reading(self, evse, "AlignedDataCtrlr", "Measurands", "Sample.Clock")
                    if value is not None:
                        self.nursery.start_soon(self.say, "MeterValues", {"evseId": evse.id, "meterValue": [value]})
        self._slot = slot
        return (slot + 1) * every - past

    def next_sample(self) -> float:
        return self._after("TxUpdatedInterval")

    def next_kept(self) -> float:
        return self._after("TxEndedInterval")

    def _after(self, variable: str) -> float:
        every = self.model.number("SampledDataCtrlr", variable)
        return trio.current_time() + every if every > 0 else float("inf")

    def replan(self) -> None:
        """A variable changed: what was planned by the old value is planned anew."""
        for evse in self.connectors:
            if evse.transaction is not None:
                evse.transaction.next_sample, evse.transaction.next_kept = self.next_sample(), self.next_kept()
        self.stir()

    def charge(self, evse: Evse) -> Charge | None:
        transaction = evse.transaction
        return Charge(transaction.id, transaction.began) if transaction is not None else None

    # -- reservations ---------------------------------------------------------------------------------------

    def release(self, reservation: Reservation, update: str | None) -> None:
        """A reservation is over; `update` (Expired, Removed) is told when it was not the central system's own wish."""
        self.reservations.pop(reservation.id, None)
        if update is not None:
            notice = {"reservationId": reservation.id, "reservationUpdateStatus": update}
            self.nursery.start_soon(self.say, "ReservationStatusUpdate", notice)
        for evse in self.connectors:
            if evse.id == reservation.evse:
                self.nursery.start_soon(self.refresh, evse)

    def take_reservation(self, evse: Evse) -> int | None:
        """The reservation that this driver's transaction uses up."""
        for reservation in list(self.reservations.values()):
            if reservation.evse in (None, evse.id) and evse.token is not None and self.tokens.is_for(reservation, evse.token):
                self.release(reservation, None)
                return reservation.id
        return None

    # -- the driver's verbs -------------------------------------------------------------------------------

    async def plug(self, connector: Evse) -> None:
        if not connector.plugged:
            connector.plugged = True
            connector.meter.battery = Battery.roll(self.rng)
            transactions.advance(self, connector, "CablePluggedIn")
            if connector.token is not None:
                transactions.energize(self, connector)
            await self.refresh(connector)

    async def authorize(self, id_tag: str) -> str:
        token = self.token(id_tag)
        return await self.tokens.authorize(token, partial(self.call, "Authorize"), online=self.is_online)

    def token(self, id_tag: str) -> Payload:
        return {"idToken": id_tag, "type": self.settings.token_type}

    def begin(self, connector: Evse, id_tag: str) -> Pending | None:
        """The driver is authorised here now. None when somebody already is."""
        if connector.token is not None:
            return None
        if not connector.plugged:
            connector.plugged = True
            connector.meter.battery = Battery.roll(self.rng)
        return self.grant(connector, self.token(id_tag), "Authorized")

    def grant(self, evse: Evse, token: Payload, trigger: str) -> Pending | None:
        """From now on this one may charge here; what follows from that, follows."""
        evse.token = token
        first = transactions.advance(self, evse, trigger)
        second = transactions.energize(self, evse)
        self.stir()
        return second or first

    async def start(self, connector: Evse, id_tag: str) -> None:
        pending = self.begin(connector, id_tag)
        await self.refresh(connector)
        await self.settled(pending)

    def meter(self, connector: Evse) -> Pending | None:
        if connector.transaction is None or connector.transaction.interrupted:
            return None
        connector.transaction.next_sample = self.next_sample()
        return transactions.event(self, connector, connector.transaction, "Updated", "MeterValuePeriodic")

    def end(self, connector: Evse, reason: str = "Local") -> Pending | None:
        """Stop: the driver's card again (`Local`: then the stop points decide), or one of the other reasons."""
        transaction = connector.transaction
        if transaction is None:
            connector.token = None
            return None
        trigger, stopped = transactions.STOPS[reason]
        connector.token = None
        connector.meter.end(self.clock.real())
        connector.flowing = False
        return transactions.advance(self, connector, trigger, stopped, end=reason != "Local")

    async def stop(self, connector: Evse, reason: str) -> None:
        await self.settled(self.end(connector, reason))

    def leave(self, connector: Evse) -> None:
        self.end(connector, "Local")
        self._unplugged(connector)

    def _unplugged(self, evse: Evse) -> None:
        transaction = evse.transaction
        evse.plugged = False
        stopped_before = transaction is not None and transaction.token is not None and evse.token is None
        end = self.model.flag("TxCtrlr", "StopTxOnEVSideDisconnect")
        if end:
            evse.token = None
        evse.meter.end(self.clock.real())
        evse.flowing = False
        transactions.advance(self, evse, "EVCommunicationLost", "Local" if stopped_before else "EVDisconnected", end=end)
        evse.meter.battery, evse.meter.paused = None, False

    async def unplug(self, connector: Evse) -> None:
        if connector.plugged:
            self._unplugged(connector)
        await self.refresh(connector)

    async def restrict(self, connector: Evse, watts: float | None) -> None:
        self._set_external(connector, watts)
        self.apply_limits(self.clock.real())
        await charging.tell_limit(self, connector, watts)

    def pause(self, connector: Evse, paused: bool) -> None:
        connector.meter.read(self.clock.real())
        connector.meter.paused = paused
        transactions.show_flow(self, connector)

    @property
    def busy(self) -> bool:
        return any(evse.transaction is not None for evse in self.connectors)

    def transaction_ended(self, evse: Evse) -> None:
        if evse.scheduled is not None:
            evse.operative, evse.scheduled = evse.scheduled, None
            self.nursery.start_soon(self.refresh, evse)
        self._note_end()

    # -- accidents ----------------------------------------------------------------------------------------

    def _interrupt(self, *, resume: bool) -> None:
        self._boot_reason = "PowerUp"
        for evse in self.connectors:
            if resume:
                transactions.interrupt(self, evse)
            else:
                self.end(evse, "PowerLoss")
                evse.plugged, evse.reached = False, frozenset()

    async def reboot(self, reason: str) -> None:
        """`reason` is the next boot's: RemoteReset, ScheduledReset, FirmwareUpdate."""
        for evse in self.connectors:
            self.end(evse, "HardReset" if reason == "RemoteReset" else "Reboot")
        self._boot_reason = reason
        self.network.choose()
        if reason != "RemoteReset":
            with trio.move_on_after(5):
                await self.emptied()
        await self.drop()
