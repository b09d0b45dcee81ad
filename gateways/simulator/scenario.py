"""What drivers do at a station, written down as a few lines of text.

One step a line: a verb and its words. `N` is a connector, `@` the one that plays the script.

    boot                       wait until the boot was accepted
    plug N                     a cable: status Preparing
    authorize [TAG]            present a tag; the rest of the round is skipped when it is refused
    start N [TAG]              begin a transaction and wait for its number
    meter N COUNT SECONDS      COUNT readings, SECONDS apart
    stop N [REASON]            end it and wait for the acknowledgement
    unplug N                   status Available
    suspend N                  the car wants no power for a while
    resume N                   it wants power again
    limit N [WATTS]            a limit from elsewhere than the central system; without WATTS it is lifted
    wait SECONDS [SECONDS]     pause, or a random one between the two
    fault NAME [SECONDS]       power, power_resume, zombie, network, drop, garbage, silent, clock
    repeat [TIMES]             from the top; for ever without a number

`#` starts a comment.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

from gateways.simulator.faults import strikes
from gateways.simulator.memory import Connector
from gateways.simulator.station import Station

CHARGE = """
boot
wait 0 3
plug @
authorize
start @
meter @ 4 2
stop @
unplug @
wait 1 5
repeat
"""
IDLE = "boot\n"
OFFLINE = """
boot
plug @
start @
meter @ 2 1
fault network 3
meter @ 4 1
stop @
unplug @
wait 1 3
repeat
"""
BUILT_IN = {"charge": CHARGE, "idle": IDLE, "offline": OFFLINE}

_WORDS = {
    "boot": (0, 0), "plug": (1, 1), "authorize": (0, 1), "start": (1, 2), "meter": (3, 3), "stop": (1, 2),
    "unplug": (1, 1), "suspend": (1, 1), "resume": (1, 1), "limit": (1, 2), "wait": (1, 2), "fault": (1, 2), "repeat": (0, 1),
}  # fmt: skip
_FAULTS = ("power", "power_resume", "zombie", "network", "drop", "garbage", "silent", "clock")
_REASONS = (
    "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote", "SoftReset",
    "UnlockCommand", "DeAuthorized", "EnergyLimitReached", "SOCLimitReached", "StoppedByEV", "TimeLimitReached",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    verb: str
    words: tuple[str, ...]


def parse(text: str) -> tuple[Step, ...]:
    """Raises ValueError with the line's number and what was expected."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        verb, *rest = words
        if verb not in _WORDS:
            raise ValueError(f"line {number}: unknown verb {verb!r}; known are {', '.join(_WORDS)}")
        least, most = _WORDS[verb]
        if not least <= len(rest) <= most:
            raise ValueError(f"line {number}: {verb} takes {least} to {most} words, got {len(rest)}")
        _check_words(number, verb, rest)
        steps.append(Step(verb, tuple(rest)))
    if not steps:
        raise ValueError("the scenario is empty")
    return tuple(steps)


def _check_words(number: int, verb: str, words: Sequence[str]) -> None:
    numbers: Sequence[str] = ()
    if verb in ("plug", "start", "stop", "unplug", "meter", "suspend", "resume", "limit") and words[0] != "@":
        numbers = words[:1]
    if verb == "meter" or verb == "limit":
        numbers = [*numbers, *words[1:]]
    elif verb in ("wait", "repeat"):
        numbers = words
    elif verb == "fault":
        if words[0] not in _FAULTS:
            raise ValueError(f"line {number}: unknown fault {words[0]!r}; known are {', '.join(_FAULTS)}")
        numbers = words[1:]
    elif verb == "stop" and len(words) == 2 and words[1] not in _REASONS:
        raise ValueError(f"line {number}: unknown reason {words[1]!r}; known are {', '.join(_REASONS)}")
    for word in numbers:
        if not word.replace(".", "", 1).isdigit():
            raise ValueError(f"line {number}: {verb} wants a number (or @ for the connector), got {word!r}")


C = TypeVar("C", bound=Connector)


class Player(Generic[C]):
    """Plays one script at one connector of a station. Its dice are its own, so that a seed gives the same day again. `first`:
    drivers come in turn, beginning with that one; None: as the dice fall."""

    def __init__(
        self, station: Station[C], connector: C, steps: Sequence[Step], tags: Sequence[str], first: int | None = None
    ) -> None:
        self.station = station
        self.connector = connector
        self.steps = steps
        self.tags = tags
        self.tag = tags[0] if tags else ""
        self.first = first
        self.rng = random.Random(f"{station.seed}/{connector.id}")
        self.rounds = 0
        self.refused = False

    async def run(self) -> None:
        again = True
        while again:
            again, self.refused = False, False
            if self.tags and self.first is not None:
                self.tag = self.tags[(self.first + self.rounds) % len(self.tags)]
            elif self.tags:
                self.tag = self.rng.choice(list(self.tags))
            for step in self.steps:
                if step.verb == "repeat":
                    self.rounds += 1
                    again = not step.words or self.rounds < int(step.words[0])
                    break
                if self.refused and step.verb not in ("unplug", "wait"):
                    continue
                if strikes(self.rng, self.station.settings.faults.garbage):
                    await self.station.garbage()
                await self._play(step)
            await trio.lowlevel.checkpoint()

    async def _play(self, step: Step) -> None:
        station, words = self.station, step.words
        if step.verb == "boot":
            await station.online()
        elif step.verb == "wait":
            low, high = float(words[0]), float(words[-1])
            await trio.sleep(self.rng.uniform(low, max(low, high)))
        elif step.verb == "authorize":
            self.refused = await station.authorize(words[0] if words else self.tag) != "Accepted"
        elif step.verb == "fault":
            await self._fault(words[0], float(words[1]) if len(words) > 1 else 1.0)
        else:
            await self._connector_step(step.verb, self._at(words[0]), words[1:])

    async def _connector_step(self, verb: str, connector: C, words: tuple[str, ...]) -> None:
        station = self.station
        if verb == "plug":
            await station.plug(connector)
        elif verb == "start":
            await station.start(connector, words[0] if words else self.tag)
        elif verb == "meter":
            await self._meter(connector, int(words[0]), float(words[1]))
        elif verb == "stop":
            await station.stop(connector, words[0] if words else "Local")
        elif verb == "unplug":
            await station.unplug(connector)
        elif verb == "limit":
            await station.restrict(connector, float(words[0]) if words else None)
        else:
            station.pause(connector, verb == "suspend")

    async def _meter(self, connector: C, count: int, seconds: float) -> None:
        station = self.station
        faults, rng = station.settings.faults, self.rng
        for _ in range(count):
            await trio.sleep(seconds)
            if strikes(rng, faults.power_loss):
                await station.lose_power(zombie=strikes(rng, faults.zombie), resume=strikes(rng, faults.power_resume))
            elif strikes(rng, faults.offline):
                station.nursery.start_soon(station.lose_network, rng.uniform(1, 5))
            elif strikes(rng, faults.silent):
                station.nursery.start_soon(station.fall_silent, rng.uniform(1, 5))
            if strikes(rng, faults.clock_jump):
                station.jump_clock()
            if station.meter(connector) is None:
                return

    async def _fault(self, name: str, seconds: float) -> None:
        station = self.station
        if name in ("power", "zombie", "power_resume"):
            await station.lose_power(seconds, zombie=name == "zombie", resume=name == "power_resume")
        elif name == "network":
            station.nursery.start_soon(station.lose_network, seconds)
        elif name == "silent":
            station.nursery.start_soon(station.fall_silent, seconds)
        elif name == "clock":
            station.jump_clock()
        elif name == "drop":
            await station.drop()
        else:
            await station.garbage()

    def _at(self, word: str) -> C:
        if word == "@":
            return self.connector
        return self.station.connectors[min(int(word), len(self.station.connectors)) - 1]
