"""What goes wrong with stations in the field, as dice that a station rolls.

Each fault is a probability between 0 and 1 at the moment named beside it; all dice come from one seeded generator, so a
run can be repeated. None of them is a bug of the simulator: every one was seen in production (steve, citrineos, evcc and others).
"""

import random
from dataclasses import dataclass, fields
from datetime import timedelta

GARBAGE = (
    "[2,",
    '[2,"g-1","BootNotification",{"chargePointVendor":,}]',
    '[,{"a":1}]',
    "not json at all",
    '[2,"g-2","NoSuchAction",{}]',
    '[2,"g-3","MeterValues",{"connectorId":"one"}]',
    '[9,"g-4",{}]',
    '{"action":"Heartbeat"}',
    '[2,"g-5","Heartbeat",{}]\x00\x00',
    "[]",
    '[3,"nobody-asked",{}]',
)

CLOCK_JUMPS = (
    timedelta(hours=1),
    timedelta(hours=-1),
    timedelta(days=1),
    timedelta(days=-1),
    timedelta(days=-365 * 56),  # 1970, what a clock without a battery says
)


@dataclass(frozen=True)
class Faults:
    """Probabilities; zero all of them for a station that never fails."""

    duplicate: float = 0.0
    """Per transaction message: the very same frame is sent twice."""
    replay: float = 0.0
    """Per answered transaction message: the same content again, with a new message id."""
    late: float = 0.0
    """Per transaction message: it waits for up to three seconds in the station before it is sent."""
    cut: float = 0.0
    """Per transaction message: the connection is cut right after sending, so the answer is lost."""
    garbage: float = 0.0
    """Per scenario step: a frame that nobody can understand."""
    power_loss: float = 0.0
    """Per meter reading while charging: the station dies, boots, and stops its transaction with reason PowerLoss."""
    zombie: float = 0.0
    """Per loss of power: the old socket stays open, unread, while the station is already back."""
    offline: float = 0.0
    """Per meter reading while charging: the network is gone for one to five seconds; charging goes on, messages queue."""
    power_resume: float = 0.0
    """Per loss of power: the transaction goes on after the boot instead of being stopped."""
    wrong_order: float = 0.0
    """Per transaction message: the one after it is sent first."""
    clock_jump: float = 0.0
    """Per meter reading while charging: the clock is suddenly an hour, a day or half a century off, until the next boot."""
    silent: float = 0.0
    """Per meter reading while charging: for one to five seconds the station neither reads nor sends; the socket stays open."""
    slow: float = 0.0
    """Per connection and per transaction message: its bytes come in dribs and drabs (a slow loris)."""
    no_boot: float = 0.0
    """Per reconnect of a 1.6 station over WebSocket: it goes on without a BootNotification."""
    storm: float = 0.0
    """Per ten seconds, for the whole fleet at once: every line is lost at the same moment and all come back."""

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in fields(cls)]

    @classmethod
    def parse(cls, specs: list[str]) -> "Faults":
        """`duplicate=0.1`; a bare name means 0.2. Raises ValueError that names the known faults."""
        known = cls.names()
        chosen: dict[str, float] = {}
        for spec in specs:
            name, _, value = spec.partition("=")
            try:
                probability = float(value) if value else 0.2
            except ValueError:
                probability = -1.0
            if name not in known or not 0.0 <= probability <= 1.0:
                raise ValueError(f"a fault reads NAME or NAME=0.2 with NAME one of {', '.join(known)}; got {spec!r}")
            chosen[name] = probability
        return cls(**chosen)


def strikes(rng: random.Random, probability: float) -> bool:
    return probability > 0.0 and rng.random() < probability
