"""The arithmetic of restarts: pure, so that it can be property-tested without a loop.

A budget says how many restarts a child has within a sliding window; the first one is immediate, the next ones wait
ever longer, jittered, so that a storm of crashes does not come back as a storm of restarts. The budget is the child's
own: a poison station never takes its siblings down. What exhausts it is counted in the escalation budget above.
"""

import msgspec


class Budget(msgspec.Struct, frozen=True, gc=False):
    restarts: int
    seconds: float

    def __post_init__(self) -> None:
        if self.restarts < 0 or not self.seconds > 0:
            raise ValueError(f"a budget is restarts >= 0 within seconds > 0, got {self.restarts} within {self.seconds}")


class Backoff(msgspec.Struct, frozen=True, gc=False):
    """The n-th restart in the window waits `base * 2**(n - 2)` seconds, at most `cap`, the first none at all;
    then up to the share `jitter` of it is taken off."""

    base: float = 0.02
    cap: float = 10.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if self.base < 0 or self.cap < self.base or not 0 <= self.jitter <= 1:
            raise ValueError(f"a backoff is 0 <= base <= cap and 0 <= jitter <= 1, got {self}")

    def delay(self, nth: int, luck: float) -> float:
        """`luck` in [0, 1) comes from the injected random."""
        if nth <= 1:
            return 0.0
        return float(min(self.cap, self.base * 2.0 ** min(nth - 2, 64)) * (1.0 - self.jitter * luck))


class Restarts(msgspec.Struct, frozen=True, gc=False):
    """When a child was restarted, within its window, oldest first."""

    at: tuple[float, ...] = ()


class Again(msgspec.Struct, frozen=True, gc=False):
    """Restart the child after `delay` seconds."""

    restarts: Restarts
    delay: float


class GiveUp(msgspec.Struct, frozen=True, gc=False):
    """The budget is exhausted: the child stays down and its supervisor counts it."""

    restarts: Restarts


def add_restart(restarts: Restarts, now: float, budget: Budget, backoff: Backoff, luck: float) -> Again | GiveUp:
    """One more restart at `now`, or none. Pure."""
    recent = tuple(at for at in restarts.at if now - at < budget.seconds)
    if len(recent) >= budget.restarts:
        return GiveUp(Restarts(recent))
    nth = len(recent) + 1
    return Again(Restarts((*recent, now)), backoff.delay(nth, luck))
