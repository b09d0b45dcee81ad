"""What a refund or a dispute waits for: the capture that it is of, and the provider's next word. Pure functions."""

from actors.model import psp
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.turn import WATCH, Turn


def keep_early(turn: Turn, seen: psp.RefundSeen | psp.DisputeSeen) -> None:
    """The capture's own news is on its way; without it there is nothing to take from."""
    state = turn.state
    if state.intent is not None and seen not in state.early and len(state.early) < turn.limits.payment_early:
        turn.put(f.Early(seen, turn.now))


def watch(turn: Turn) -> None:
    """While something is pending, look now and then, since a webhook may get lost."""
    state = turn.state
    pending = any(one.status == "pending" for one in state.refunds) or any(
        one.status in ("open", "warned") for one in state.disputes
    )
    turn.timer(WATCH, turn.now + turn.limits.payment_watch if pending else None, m.WatchDue())
