"""One virtual station, whatever it speaks: its life on the line and its accidents.

Four tasks make it: the *line* connects, boots and reconnects for ever; the *pump* (messenger.py) sends what is queued; the
*clockwork* does what is due by the clock; the driver's scenario calls the verbs. v16, v201 and soap say what all that is
in their words: the abstract methods below.
"""

import random
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import trio

from gateways.simulator import limits
from gateways.simulator.clock import StationClock, read_time
from gateways.simulator.faults import CLOCK_JUMPS, GARBAGE, strikes
from gateways.simulator.journal import Journal
from gateways.simulator.link import Answer, CallError, Line, Link, LinkLost, Refused
from gateways.simulator.memory import Connector, Pending, StationSettings
from gateways.simulator.messenger import Messenger
from gateways.simulator.physics.meter import Meter
from gateways.simulator.physics.schedule import EXTERNAL, Charge, Profile, limit, station_limit
from gateways.simulator.stats import Stats

C = TypeVar("C", bound=Connector)
Payload = dict[str, Any]


class Station(Messenger, Generic[C]):
    connectors: Sequence[C]

    def __init__(
        self,
        settings: StationSettings,
        *,
        rng: random.Random,
        stats: Stats,
        clock: StationClock | None = None,
        journal: Journal | None = None,
    ) -> None:
        super().__init__(settings, rng, stats, journal)
        self.rng = rng
        self.seed = rng.getrandbits(64)
        """Of the dice of the drivers who come."""
        self.clock = clock or StationClock()
        self.password = settings.password
        self.tls = settings.tls
        self.firmware = settings.model.firmware
        self.registration = ""
        """The central system's last word on a boot."""
        self.external: dict[int, Profile] = {}
        """Limits that came from elsewhere, by connector or EVSE."""
        self.profiles: dict[int, tuple[Profile, Payload]] = {}
        """What the central system installed, as read and as it came."""
        self._power = _up()
        self._network = _up()
        self._stirred = trio.Event()
        self._ended = trio.Event()
        self._zombies: deque[trio.abc.AsyncResource] = deque()
        self._refused_in_a_row = 0

    # -- what a version says in its own words -------------------------------------------------------------

    @abstractmethod
    async def _greet(self, link: Line) -> float:
        """The first words on a new connection: boot where one is due, and the statuses. The heartbeat interval."""

    @abstractmethod
    async def _handle(self, action: str, payload: Payload) -> Answer: ...

    @abstractmethod
    def _interrupt(self, *, resume: bool) -> None:
        """The power fails: running transactions stop with it, or only pause."""

    @abstractmethod
    def _tick(self, now: datetime) -> float:
        """Do what is due; seconds until the next thing is."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a transaction runs."""

    @abstractmethod
    async def plug(self, connector: C) -> None: ...
    @abstractmethod
    async def authorize(self, id_tag: str) -> str: ...
    @abstractmethod
    def begin(self, connector: C, id_tag: str) -> Pending | None: ...
    @abstractmethod
    async def start(self, connector: C, id_tag: str) -> None: ...
    @abstractmethod
    def meter(self, connector: C) -> Pending | None: ...
    @abstractmethod
    def end(self, connector: C, reason: str = "Local") -> Pending | None: ...
    @abstractmethod
    async def stop(self, connector: C, reason: str) -> None: ...
    @abstractmethod
    async def unplug(self, connector: C) -> None: ...
    @abstractmethod
    async def restrict(self, connector: C, watts: float | None) -> None:
        """Somebody else than the central system (the grid's operator) sets a limit, or lifts it again."""

    @abstractmethod
    def charge(self, connector: C) -> Charge | None:
        """What runs there."""

    @abstractmethod
    def pause(self, connector: C, paused: bool) -> None:
        """The car wants no power for a while, or wants it again."""

    def _new_meter(self) -> Meter:
        model, rng = self.settings.model, self.rng
        return Meter(model.power_w * rng.uniform(0.8, 0.95), rng, rng.randrange(10_000, 9_000_000), pace=model.pace)

    @property
    def security_profile(self) -> int:
        """0 nobody proves anything, 1 a password, 2 TLS and a password, 3 TLS with a certificate of the station's own."""
        if urlsplit(self.settings.url).scheme in ("ws", "http"):
            return 0 if self.password is None else 1
        return 2 if self.tls.certificate is None and self.tls.own is None else 3

    async def take_certificate(self, identity: bytes) -> None:
        """The central system signed a new certificate: at profile 3 the station comes back with it."""
        if self.security_profile == 3:
            self.tls = replace(self.tls, own=identity)
            await self.drop()

    def _set_external(self, connector: C, watts: float | None) -> None:
        now = self.clock.real()
        self.external.pop(connector.id, None)
        if watts is not None:
            held = Profile(0, EXTERNAL, 0, connector.id, "Absolute", ((0.0, watts),), now)
            self.external[connector.id] = held
        self.stir()

    def schedule(self) -> list[Profile]:
        return [*self.external.values(), *(profile for profile, _ in self.profiles.values())]

    def apply_limits(self, real: datetime) -> None:
        """Every meter is read at the old limit before it gets its new one."""
        held = self.schedule()
        total = station_limit(held, real)
        drawing = sum(connector.meter.drawing for connector in self.connectors) or 1
        for connector in self.connectors:
            own = limit(held, connector.id, self.charge(connector), real)
            allowed = [watts for watts in (own, None if total is None else total / drawing) if watts is not None]
            connector.meter.read(real)
            connector.meter.limit_w = min(allowed, default=None)

    def leave(self, connector: C) -> None:
        """The driver goes home: whatever runs ends."""
        self.end(connector, "Local")

    def _heartbeat_interval(self, granted: float) -> float:
        return granted

    async def _open(self, nursery: trio.Nursery) -> Line:
        settings = self.settings
        return await Link.open(
            nursery,
            settings.url,
            settings.identity,
            self._counted,
            password=self.password,
            protocol=settings.protocol,
            tls=self.tls,
            slow=strikes(self.dice, settings.faults.slow),
        )

    # -- the line -------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            nursery.start_soon(self._pump)
            nursery.start_soon(self._clockwork)
            task_status.started()
            try:
                while True:
                    await self._power.wait()
                    await self._network.wait()
                    lived = await self._one_connection(nursery)
                    self._refused_in_a_row = 0 if lived else self._refused_in_a_row + 1
                    bound = min(self.settings.backoff_most, limits.BACKOFF_FIRST * 2 ** min(self._refused_in_a_row, 20))
                    await trio.sleep(self.dice.uniform(0, bound))
            finally:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 2):
                    if self.link is not None:
                        await self.link.close()
                    while self._zombies:
                        await trio.aclose_forcefully(self._zombies.popleft())

    async def _one_connection(self, nursery: trio.Nursery) -> bool:
        """Connect, boot, stay until the line is lost. True when the boot was accepted."""
        link: Line | None = None
        try:
            link = await self._open(nursery)
            self.link = link
            self.stats.counts["connects"] += 1
            interval = await self._greet(link)
            self.stats.online += 1
            self._online.set()
            self.stir()
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

    async def _until_accepted(self, link: Line, boot: Payload, interval_key: str = "interval") -> float:
        """BootNotification, again and again until it is accepted; the heartbeat interval. Raises LinkLost, CallError."""
        while True:
            asked = trio.current_time()
            answer = await self.call("BootNotification", boot, link=link)
            took = timedelta(seconds=trio.current_time() - asked)
            self.stats.counts["boots"] += 1
            interval = float(answer.get(interval_key) or 0)
            if answer.get("currentTime"):
                with suppress(ValueError):
                    self.clock.adjust(read_time(str(answer["currentTime"])), took)
            self.registration = str(answer.get("status"))
            if self.registration == "Accepted":
                return interval or limits.HEARTBEAT_DEFAULT
            with trio.move_on_after(max(interval, limits.BOOT_WAIT_LEAST)):
                await link.closed.wait()
                raise LinkLost(link.reason)

    async def _heartbeats(self, link: Line, interval: float) -> None:
        while not link.closed.is_set():
            with trio.move_on_after(self._heartbeat_interval(interval)):
                await link.closed.wait()
                return
            try:
                await self.call("Heartbeat", {}, link=link)
            except (LinkLost, CallError) as error:
                self.stats.problem("errors", f"{self.settings.identity}: heartbeat: {error}")

    async def _counted(self, action: str, payload: Payload) -> Answer:
        self.stats.counts["commands"] += 1
        return await self._handle(action, payload)

    # -- the clockwork --------------------------------------------------------------------------------------

    def stir(self) -> None:
        """Something changed that may be due earlier than was thought."""
        self._stirred.set()

    async def _clockwork(self) -> None:
        while True:
            self._stirred = trio.Event()
            pause = self._tick(self.clock.now()) if self._power.is_set() else limits.TICK_MOST
            with trio.move_on_after(max(0.01, min(pause, limits.TICK_MOST))):
                await self._stirred.wait()

    # -- transactions that end ------------------------------------------------------------------------------

    async def idle(self) -> None:
        """Wait until no transaction runs."""
        while self.busy:
            await self.next_end()

    async def next_end(self) -> None:
        """Wait until the next transaction ends."""
        await self._ended.wait()

    def _note_end(self) -> None:
        """A transaction ended: whoever waits for that looks again."""
        self._ended.set()
        self._ended = trio.Event()

    # -- accidents ----------------------------------------------------------------------------------------

    async def garbage(self) -> None:
        if self.link is not None:
            self.stats.counts["garbage"] += 1
            try:
                await self.link.send_raw(self.rng.choice(self._garbage()))
            except LinkLost as error:
                self.stats.problem("lost", f"{self.settings.identity}: {error}")

    def _garbage(self) -> Sequence[str]:
        return GARBAGE

    def jump_clock(self) -> None:
        self.stats.counts["faults"] += 1
        self.clock.jump(self.rng.choice(CLOCK_JUMPS))
        self.stir()

    async def fall_silent(self, seconds: float) -> None:
        """The socket stays open and nobody is behind it; then all goes on as if nothing had been."""
        link = self.link
        if link is None:
            return
        self.stats.counts["faults"] += 1
        link.mute()
        try:
            await trio.sleep(seconds)
        finally:
            link.unmute()

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

    async def lose_power(self, seconds: float = limits.REBOOT_TIME, *, zombie: bool = False, resume: bool = False) -> None:
        """Everything stops at once. After the boot the interrupted transactions are stopped with PowerLoss, or go on."""
        self.stats.counts["faults"] += 1
        self._power = trio.Event()
        gate = self._power
        try:
            self._interrupt(resume=resume)
            await self.drop(zombie=zombie)
            await trio.sleep(seconds)
        finally:
            gate.set()
            self.stir()

    async def drop(self, *, zombie: bool = False) -> None:
        """The line is gone; the station comes back by itself."""
        link = self.link
        if link is None:
            return
        if zombie:
            left = link.abandon()
            if left is not None:
                self._zombies.append(left)
            while len(self._zombies) > limits.ZOMBIES_MOST:
                await trio.aclose_forcefully(self._zombies.popleft())
        else:
            await link.cut()


def _up() -> trio.Event:
    event = trio.Event()
    event.set()
    return event
