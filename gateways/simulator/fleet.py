"""Many virtual stations at once: opened at a rate, each connector playing the scenario, ended in good order."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.faults import Faults, strikes
from gateways.simulator.journal import Journal
from gateways.simulator.memory import MODELS, Model, StationSettings, Tls
from gateways.simulator.scenario import CHARGE, Player, parse
from gateways.simulator.soap.http import Callbacks
from gateways.simulator.soap.station import SoapStation
from gateways.simulator.station import Station
from gateways.simulator.stats import Stats
from gateways.simulator.v16.station import Station16
from gateways.simulator.v201.station import Station201

KINDS: dict[str, type[Station[Any]]] = {
    "ocpp1.5": SoapStation,
    "ocpp1.6": Station16,
    "ocpp1.6-S": SoapStation,
    "ocpp2.0.1": Station201,
}
"""The station that speaks a protocol."""
SOAP = frozenset(protocol for protocol, kind in KINDS.items() if kind is SoapStation)


@dataclass(frozen=True)
class Plan:
    """What a fleet is. `url` and `soap_url` end before the identity; `passwords` by identity beat `password`."""

    url: str = ""
    soap_url: str = ""
    """Of the stations that speak SOAP."""
    count: int = 1
    rate: float = 50.0
    """Stations that connect in a second."""
    prefix: str = "SIM"
    first: int = 1
    identities: Sequence[str] = ()
    protocols: Sequence[str] = ("ocpp1.6",)
    """Stations speak them in turn."""
    password: str | None = None
    passwords: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ("SIMTAG",)
    in_turn: bool = False
    """Drivers come one after the other, the first at each connector another one; else as the dice fall."""
    token_type: str = "ISO14443"  # noqa: S105 (a kind of card, not a secret)
    scenario: str = CHARGE
    faults: Faults = Faults()
    models: Sequence[Model] = MODELS
    seed: int = 0
    journals: Path | None = None
    """A directory: each station keeps `IDENTITY.jsonl` of what was acknowledged to it."""
    message_attempts: int = limits.MESSAGE_ATTEMPTS
    backoff_most: float = limits.BACKOFF_MOST
    tls: Tls = Tls()
    zipped: bool = False
    """SOAP requests are sent compressed."""
    firmware_failures: float = 0.0
    """The share of firmware updates that go wrong."""
    failing: Sequence[str] = ()
    """Identities of stations whose firmware updates all go wrong."""


class Fleet:
    """`await fleet.run(seconds)`, or `start`, `storm` and `finish` from a nursery of your own."""

    def __init__(self, plan: Plan, stats: Stats | None = None) -> None:
        self.plan = plan
        self.stats = stats or Stats()
        self.steps = parse(plan.scenario)
        self.stations: list[Station[Any]] = []
        self.callbacks = Callbacks()
        self._playing = trio.CancelScope()
        self._alive = trio.CancelScope()

    async def run(self, seconds: float | None = None, *, finish_within: float = 20.0) -> None:
        """Play for so long (None: until cancelled, or until every script has ended), then end what is running."""
        async with trio.open_nursery() as nursery:
            played = trio.Event()
            nursery.start_soon(self.start, played)
            with trio.move_on_after(seconds if seconds is not None else float("inf")):
                await played.wait()
            await self.finish(finish_within)

    async def start(self, played: trio.Event | None = None) -> None:
        """Open every station and play; returns when `finish` was called. `played` is set when every script ended."""
        try:
            with self._alive:
                async with trio.open_nursery() as lives:
                    if any(KINDS[protocol] is SoapStation for protocol in self.plan.protocols):
                        await lives.start(self.callbacks.serve)
                    if self.plan.faults.storm:
                        lives.start_soon(self._storms)
                    with self._playing:
                        async with trio.open_nursery() as plays:
                            await self._open(lives, plays)
                        if played is not None:
                            played.set()
                    await trio.sleep_forever()
        finally:
            for station in self.stations:  # nobody writes into them any more
                if station.journal is not None:
                    station.journal.close()

    async def _storms(self) -> None:
        dice = random.Random(f"{self.plan.seed}/storm")
        while True:
            await trio.sleep(limits.STORM_EVERY)
            if strikes(dice, self.plan.faults.storm):
                await self.storm()

    async def _open(self, lives: trio.Nursery, plays: trio.Nursery) -> None:
        began, connectors = trio.current_time(), 0
        for n in range(self.plan.count):
            station = self._station(n)
            self.stations.append(station)
            await lives.start(station.run)
            for connector in station.connectors:
                first = connectors if self.plan.in_turn else None
                plays.start_soon(Player(station, connector, self.steps, self.plan.tags, first).run)
                connectors += 1
            await trio.sleep_until(began + (n + 1) / self.plan.rate)

    def _station(self, n: int) -> Station[Any]:
        plan = self.plan
        identity = plan.identities[n] if n < len(plan.identities) else f"{plan.prefix}{plan.first + n:05d}"
        protocol = plan.protocols[n % len(plan.protocols)]
        kind = KINDS[protocol]
        settings = StationSettings(
            url=plan.soap_url if kind is SoapStation else plan.url,
            identity=identity,
            model=plan.models[n % len(plan.models)],
            password=plan.passwords.get(identity, plan.password),
            protocol=protocol,
            faults=plan.faults,
            message_attempts=plan.message_attempts,
            backoff_most=plan.backoff_most,
            tls=plan.tls,
            zipped=plan.zipped,
            token_type=plan.token_type,
            firmware_failures=1.0 if identity in plan.failing else plan.firmware_failures,
        )
        station = kind(
            settings,
            rng=random.Random(f"{plan.seed}/{identity}"),
            stats=self.stats,
            journal=Journal(plan.journals / f"{identity}.jsonl") if plan.journals is not None else None,
        )
        if isinstance(station, SoapStation):
            station.callbacks = self.callbacks
        return station

    async def storm(self, *, zombie: bool = False) -> None:
        """Every station loses its line at the same moment, and all come back at once."""
        self.stats.counts["faults"] += 1
        async with trio.open_nursery() as nursery:
            for station in self.stations:
                nursery.start_soon(partial(station.drop, zombie=zombie))

    async def finish(self, within: float = 20.0) -> bool:
        """Drivers leave: running transactions are stopped and everything queued is delivered. True when all was
        acknowledged in time; the stations are gone afterwards either way."""
        self._playing.cancel()
        with trio.move_on_after(within) as scope:
            for station in self.stations:
                for connector in station.connectors:
                    station.leave(connector)
            for station in self.stations:
                await station.emptied()
        self._alive.cancel()
        return not scope.cancelled_caught
