"""A meter behind one connector, and honest.

A meter that runs faster than its clock would be caught by any CSMS that checks energy against time and power; so
energy is power times real seconds, unless a demonstration asks for another pace. Real: a clock that was set does not change
what has flowed.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime

from gateways.simulator.physics.battery import Battery

VOLTAGE = 230.0
RAMP_SECONDS = 2.0


@dataclass
class Meter:
    """A lifetime register in Wh. Power ramps up in two seconds and wobbles by some per cent. Times are real time."""

    power_w: float
    rng: random.Random
    register_wh: float = 0.0
    drawing: bool = False
    limit_w: float | None = None
    pace: float = 1.0
    phases: int = 3
    battery: Battery | None = None
    paused: bool = False
    """The car has asked for a break."""
    _since: datetime | None = field(default=None, repr=False)
    _until: datetime | None = field(default=None, repr=False)

    def begin(self, now: datetime) -> None:
        self.drawing, self._since, self._until = True, now, now

    def end(self, now: datetime) -> None:
        self.read(now)
        self.drawing, self._since, self._until = False, None, None

    @property
    def offered_w(self) -> float:
        """What the station lets flow at most."""
        return self.power_w if self.limit_w is None else min(self.power_w, self.limit_w)

    def power(self, now: datetime) -> float:
        """Power in W at this moment."""
        if not self.drawing or self._since is None or self.paused:
            return 0.0
        ramp = min(1.0, max(0.0, (now - self._since).total_seconds()) / RAMP_SECONDS)
        offered = self.offered_w
        taken = offered if self.battery is None else self.battery.accepts(offered)
        return taken * ramp * self.rng.uniform(0.95, 1.0)

    def current(self, power_w: float) -> float:
        """A per phase."""
        return power_w / (VOLTAGE * self.phases)

    def read(self, now: datetime) -> int:
        """Register in whole Wh; never runs backwards."""
        if self.drawing and self._until is not None and now > self._until:
            energy = self.pace * self.power(now) * (now - self._until).total_seconds() / 3600
            self.register_wh += energy if self.battery is None else self.battery.take(energy)
            self._until = now
        return int(self.register_wh)
