"""One virtual station: its connectors, its memory, and its life on the line.

Three tasks make it: the *line* connects, boots and reconnects for ever; the *pump* sends queued transaction messages
in order, each until it is acknowledged (the queue survives lost connections and power, as a station's flash does); the
driver's scenario calls the verbs below. What the central system asks of it is answered in commands.py.
"""

import itertools
import random
from collections import deque
from datetime import datetime
from typing import Any, Protocol

import trio

from gateways.simulator import limits
from gateways.simulator.clock import Meter, StationClock, wire_time
from gateways.simulator.faults import GARBAGE, strikes
from gateways.simulator.journal import Journal
from gateways.simulator.link import Answer, CallError, Link, LinkLost, Refused
from gateways.simulator.memory import Connector, Pending, StationSettings, Transaction, default_configuration
from gateways.simulator.stats import Stats


class Handlers(Protocol):
    async def __call__(self, station: "Station", action: str, payload: dict[str, Any]) -> Answer: ...


class Station:
    def __init__(
        self,
        settings: StationSettings,
        handlers: Handlers,
        *,
        rng: random.Random,
        stats: Stats,
        clock: StationClock | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.settings = settings
        self.rng = rng
        self.stats = stats
        self.clock = clock or StationClock()
        self.journal = journal
        self.configuration: dict[str, tuple[str, bool]] = default_configuration(settings.model)
        self.profiles: list[tuple[int, dict[str, Any]]] = []
        self.local_list: dict[str, dict[str, Any]] = {}
        self.local_list_version = 0
        power = settings.model.power_w
        self.connectors = [
            Connector(
                n + 1, Meter(power * rng.uniform(0.8, 0.95), rng, rng.randrange(10_000, 9_000_000), pace=settings.model.pace)
            )
            for n in range(settings.model.connectors)
        ]
        self.link: Link | None = None
        self._handlers = handlers
        self._ids = itertools.count(1)
        self._nonce = f"{rng.getrandbits(32):08x}"
        self._queue: deque[Pending] = deque()
        self._queued = trio.Event()
        self._online = trio.Event()
        self._power = _up()
        self._network = _up()
        self._zombies: deque[trio.abc.Stream] = deque()
        self._refused_in_a_row = 0

    # -- the line -------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            nursery.start_soon(self._pump)
            task_status.started()
            try:
                while True:
                    await self._power.wait()
                    await self._network.wait()
                    lived = await self._one_connection(nursery)
                    self._refused_in_a_row = 0 if lived else self._refused_in_a_row + 1
                    bound = min(self.settings.backoff_most, limits.BACKOFF_FIRST * 2 ** min(self._refused_in_a_row, 20))
                    await trio.sleep(self.rng.uniform(0, bound))
            finally:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 2):
                    if self.link is not None:
                        await self.link.close()
                    while self._zombies:
                        await trio.aclose_forcefully(self._zombies.popleft())

    async def _one_connection(self, nursery: trio.Nursery) -> bool:
        """Connect, boot, stay until the line is lost. True when the boot was accepted."""
        link: Link | None = None
        try:
            link = await Link.open(
                nursery,
                self.settings.url,
                self.settings.identity,
                self._handle,
                password=self.settings.password,
                protocol=self.settings.protocol,
            )
            self.link = link
            self.stats.counts["connects"] += 1
            interval = await self._boot(link)
            for connector in self.connectors:
                await self._send_status(link, connector)
            self.stats.online += 1
            self._online.set()
            try:
                nursery.start_soon(self._heartbeats, link, interval)
                await link.closed.wait()
                return True
            finally:
                self.stats.online -= 1
                self._online = trio.Event()
        except Refused as error:
            self.stats.problem("refused", f"{self.settings.identity}: {error}")
        except (LinkLost, OSError) as error:
            self.stats.problem("lost", f"{self.settings.identity}: {error}")
        except CallError as error:
            self.stats.problem("errors", f"{self.settings.identity}: boot: {error}")
        finally:
            self.link = None
            if link is not None and link.reason != "abandoned":
                with trio.CancelScope(shield=True):
                    await link.cut()
        return False

    async def _boot(self, link: Link) -> float:
        model = self.settings.model
        while True:
            answer = await self.call(
                "BootNotification",
                {
                    "chargePointVendor": model.vendor,
                    "chargePointModel": model.model,
                    "chargePointSerialNumber": self.settings.identity[:25],
                    "firmwareVersion": model.firmware,
                },
                link=link,
            )
            self.stats.counts["boots"] += 1
            interval = float(answer.get("interval") or 0)
            if answer.get("currentTime"):
                self.clock.adjust(datetime.fromisoformat(str(answer["currentTime"]).replace("Z", "+00:00")))
            if answer.get("status") == "Accepted":
                return interval or 300.0
            with trio.move_on_after(max(interval, limits.BOOT_WAIT_LEAST)):
                await link.closed.wait()
                raise LinkLost(link.reason)

    async def _heartbeats(self, link: Link, interval: float) -> None:
        while not link.closed.is_set():
            pause = float(self.configuration["HeartbeatInterval"][0] or interval)
            with trio.move_on_after(pause):
                await link.closed.wait()
                return
            try:
                await self.call("Heartbeat", {}, link=link)
            except (LinkLost, CallError) as error:
                self.stats.problem("errors", f"{self.settings.identity}: heartbeat: {error}")

    async def _handle(self, action: str, payload: dict[str, Any]) -> Answer:
        self.stats.counts["commands"] += 1
        return await self._handlers(self, action, payload)

    # -- messages -----------------------------------------------------------------------------------------

    def fresh_id(self) -> str:
        return f"{self._nonce}-{next(self._ids)}"

    async def call(self, action: str, payload: dict[str, Any], *, link: Link | None = None) -> dict[str, Any]:
        """A message that is not worth keeping: now or never. Raises LinkLost, CallError."""
        link = link or self.link
        if link is None:
            raise LinkLost("offline")
        return await self._timed_call(link, action, payload, self.fresh_id())

    async def _timed_call(
        self, link: Link, action: str, payload: dict[str, Any], unique_id: str, copies: int = 1
    ) -> dict[str, Any]:
        if self.journal is not None:
            self.journal.sent(action, payload, unique_id)
        started = trio.current_time()
        result = await link.call(action, payload, unique_id, copies=copies)
        self.stats.latencies.append(trio.current_time() - started)
        self.stats.counts["messages"] += 1
        if self.journal is not None:
            await self.journal.acked(action, payload, unique_id, result)
        return result

    def _enqueue(self, action: str, payload: dict[str, Any], transaction: Transaction) -> Pending:
        pending = Pending(action, payload, transaction, self.fresh_id())
        if len(self._queue) >= limits.QUEUE_MOST:  # what a station with a full memory does: readings go first
            oldest = next((kept for kept in self._queue if kept.action == "MeterValues"), None)
            if oldest is not None:
                self._queue.remove(oldest)
                self.stats.counts["dropped"] += 1
        self._queue.append(pending)
        self._queued.set()
        return pending

    async def _pump(self) -> None:
        """Send the oldest queued message until it is acknowledged; the next one waits."""
        while True:
            while not self._queue:
                self._queued = trio.Event()
                await self._queued.wait()
            await self._online.wait()
            link = self.link
            if link is None:
                await trio.sleep(0.01)
                continue
            pending = self._queue[0]
            try:
                result = await self._deliver(link, pending)
            except LinkLost:
                self.stats.counts["retries"] += 1
                await link.closed.wait()
                continue
            except CallError as error:
                self.stats.problem("errors", f"{self.settings.identity}: {pending.action}: {error}")
                pending.refusals += 1
                if pending.refusals < self.settings.message_attempts:
                    await trio.sleep(limits.RETRY_INTERVAL * min(pending.refusals, 5))
                    continue
                self.stats.counts["dropped"] += 1
                result = {}
            if pending in self._queue:
                self._queue.remove(pending)
            self._settle(pending, result)

    async def _deliver(self, link: Link, pending: Pending) -> dict[str, Any]:
        faults, rng = self.settings.faults, self.rng
        payload = dict(pending.payload)
        if pending.action != "StartTransaction":
            payload["transactionId"] = pending.transaction.number if pending.transaction.number is not None else -1
        if pending.sent and strikes(rng, 0.5):
            pending.unique_id = self.fresh_id()  # both kinds of stations exist: same id on a retry, and a new one
        pending.sent += 1
        if strikes(rng, faults.late):
            await trio.sleep(rng.uniform(0, 3))
        if strikes(rng, faults.cut):
            self.stats.counts["faults"] += 1
            self.nursery.start_soon(_cut_later, link, rng.uniform(0, 0.02))
        copies = 1
        if strikes(rng, faults.duplicate):
            self.stats.counts["faults"] += 1
            copies = 2
        result = await self._timed_call(link, pending.action, payload, pending.unique_id, copies)
        if strikes(rng, faults.replay):
            self.stats.counts["faults"] += 1
            again = await self._timed_call(link, pending.action, payload, self.fresh_id())
            if again.get("transactionId") != result.get("transactionId"):
                self.stats.problem("contradictions", f"{self.settings.identity}: a replayed start got another number")
        return result

    def _settle(self, pending: Pending, result: dict[str, Any]) -> None:
        transaction = pending.transaction
        if pending.action == "StartTransaction":
            transaction.number = int(result.get("transactionId", -1))
            transaction.status = str((result.get("idTagInfo") or {}).get("status", ""))
            self.stats.counts["started"] += 1
            if transaction.status != "Accepted" and self.flag("StopTransactionOnInvalidId") and not transaction.stopping:
                self.end(self.connectors[transaction.connector - 1], "DeAuthorized")
        elif pending.action == "StopTransaction":
            self.stats.counts["stopped"] += 1
            self.stats.energy_wh += int(pending.payload["meterStop"]) - transaction.meter_start
        pending.done.set()

    # -- the driver's verbs -------------------------------------------------------------------------------

    @property
    def is_online(self) -> bool:
        return self._online.is_set()

    async def online(self) -> None:
        """Wait until the boot was accepted."""
        while not self._online.is_set():
            await self._online.wait()

    async def status(self, connector: Connector, status: str, error: str = "NoError") -> None:
        """Change it, and say so when there is somebody to say it to."""
        connector.status, connector.error = status, error
        if self.link is not None and self.is_online:
            try:
                await self._send_status(self.link, connector)
            except (LinkLost, CallError) as problem:
                self.stats.problem("errors", f"{self.settings.identity}: status: {problem}")

    async def _send_status(self, link: Link, connector: Connector) -> None:
        payload = {
            "connectorId": connector.id,
            "errorCode": connector.error,
            "status": connector.status,
            "timestamp": wire_time(self.clock.now()),
        }
        await self.call("StatusNotification", payload, link=link)

    async def authorize(self, id_tag: str) -> str:
        """The central system's word on a tag; offline, the station's own: it trusts everybody."""
        try:
            answer = await self.call("Authorize", {"idTag": id_tag})
        except (LinkLost, CallError):
            return "Accepted"
        return str((answer.get("idTagInfo") or {}).get("status", "Invalid"))

    def begin(self, connector: Connector, id_tag: str) -> Pending | None:
        """A transaction begins now; its StartTransaction is queued. None when one is running."""
        if connector.transaction is not None:
            return None
        now = self.clock.now()
        transaction = Transaction(connector.id, id_tag, connector.meter.read(now))
        payload: dict[str, Any] = {
            "connectorId": connector.id,
            "idTag": id_tag,
            "meterStart": transaction.meter_start,
            "timestamp": wire_time(now),
        }
        if connector.reservation is not None:
            payload["reservationId"], connector.reservation = connector.reservation, None
        connector.transaction = transaction
        connector.meter.begin(now)
        return self._enqueue("StartTransaction", payload, transaction)

    def meter(self, connector: Connector, context: str = "Sample.Periodic") -> Pending | None:
        """A reading of the running transaction is queued."""
        if connector.transaction is None:
            return None
        payload = {"connectorId": connector.id, "meterValue": [self.reading(connector, context)]}
        return self._enqueue("MeterValues", payload, connector.transaction)

    def end(self, connector: Connector, reason: str = "Local") -> Pending | None:
        """The running transaction ends now; its StopTransaction is queued."""
        transaction = connector.transaction
        if transaction is None:
            return None
        now = self.clock.now()
        connector.meter.end(now)
        transaction.stopping = True
        connector.transaction = None
        payload = {
            "meterStop": connector.meter.read(now),
            "timestamp": wire_time(now),
            "reason": reason,
            "transactionData": [self.reading(connector, "Transaction.End")],
        }
        if reason == "Local":
            payload["idTag"] = transaction.id_tag
        return self._enqueue("StopTransaction", payload, transaction)

    def reading(self, connector: Connector, context: str) -> dict[str, Any]:
        now = self.clock.now()
        register, power = connector.meter.read(now), connector.meter.power(now)
        samples = [
            {"value": str(register), "context": context, "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": f"{power:.0f}", "context": context, "measurand": "Power.Active.Import", "unit": "W"},
            {
                "value": f"{power / 690:.1f}",
                "context": context,
                "measurand": "Current.Import",
                "phase": "L1",
                "unit": "A",
            },
        ]
        return {"timestamp": wire_time(now), "sampledValue": samples}

    async def settled(self, pending: Pending | None) -> None:
        """Wait for the acknowledgement, unless the station is offline and would wait for long."""
        if pending is not None and self.is_online:
            await pending.done.wait()

    async def emptied(self) -> None:
        """Wait until everything queued is acknowledged."""
        while self._queue:
            await self._queue[-1].done.wait()

    def flag(self, key: str) -> bool:
        return self.configuration.get(key, ("", False))[0].lower() == "true"

    # -- accidents ----------------------------------------------------------------------------------------

    async def garbage(self) -> None:
        if self.link is not None:
            self.stats.counts["garbage"] += 1
            try:
                await self.link.send_raw(self.rng.choice(GARBAGE))
            except LinkLost as error:
                self.stats.problem("lost", f"{self.settings.identity}: {error}")

    async def lose_network(self, seconds: float) -> None:
        """Charging goes on; messages queue."""
        self.stats.counts["faults"] += 1
        self._network = trio.Event()
        gate = self._network
        try:
            if self.link is not None:
                await self.link.cut("no network")
            await trio.sleep(seconds)
        finally:
            gate.set()

    async def lose_power(self, seconds: float = limits.REBOOT_TIME, *, zombie: bool = False) -> None:
        """Everything stops at once. After the boot the interrupted transactions are stopped with PowerLoss."""
        self.stats.counts["faults"] += 1
        self._power = trio.Event()
        gate = self._power
        try:
            for connector in self.connectors:
                self.end(connector, "PowerLoss")
                connector.status = "Available" if connector.operative else "Unavailable"
            await self.drop(zombie=zombie)
            await trio.sleep(seconds)
        finally:
            gate.set()

    async def drop(self, *, zombie: bool = False) -> None:
        """The line is gone; the station comes back by itself."""
        link = self.link
        if link is None:
            return
        if zombie:
            self._zombies.append(link.abandon())
            while len(self._zombies) > limits.ZOMBIES_MOST:
                await trio.aclose_forcefully(self._zombies.popleft())
        else:
            await link.cut()

    async def reboot(self, reason: str) -> None:
        """On the central system's Reset."""
        for connector in self.connectors:
            self.end(connector, reason)
            connector.status = "Available" if connector.operative else "Unavailable"
        if reason == "SoftReset":
            with trio.move_on_after(5):
                await self.emptied()
        await self.drop()


def _up() -> trio.Event:
    event = trio.Event()
    event.set()
    return event


async def _cut_later(link: Link, seconds: float) -> None:
    await trio.sleep(seconds)
    await link.cut("fault: cut")
