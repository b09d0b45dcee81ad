"""The car at the end of the cable: it takes what its battery can take, less and less above four fifths, nothing when full."""

import random
from dataclasses import dataclass

_TAPERS_FROM = 0.8
_LAST_SHARE = 0.05
_FULL_BELOW_WH = 1.0


@dataclass
class Battery:
    capacity_wh: float
    charged_wh: float

    @classmethod
    def roll(cls, rng: random.Random) -> "Battery":
        """A car as they come: 40 to 90 kWh, a fifth to three fifths full."""
        capacity = rng.uniform(40_000, 90_000)
        return cls(capacity, capacity * rng.uniform(0.2, 0.6))

    @property
    def soc(self) -> float:
        """State of charge, 0 to 1."""
        return self.charged_wh / self.capacity_wh

    @property
    def full(self) -> bool:
        return self.capacity_wh - self.charged_wh < _FULL_BELOW_WH

    def accepts(self, offered_w: float) -> float:
        """Of the power offered, what the battery takes now."""
        if self.full:
            return 0.0
        if self.soc <= _TAPERS_FROM:
            return offered_w
        left = (1.0 - self.soc) / (1.0 - _TAPERS_FROM)
        return offered_w * (_LAST_SHARE + (1.0 - _LAST_SHARE) * left)

    def take(self, energy_wh: float) -> float:
        """Store it; what did fit."""
        taken = min(energy_wh, self.capacity_wh - self.charged_wh)
        self.charged_wh += taken
        return taken
