"""A station's part in a campaign: one table of what may happen to it when.

`waiting` has not begun (or begins again), `ordered` is with the station's actor, perhaps not sent; `running` was accepted by
the station; `retrying` failed and has attempts left. What is not in the table changes nothing: an answer that comes twice
or too late, say. One thing is never too late: a success.
"""

from datetime import datetime

import msgspec

WAITING, ORDERED, WITHDRAWING, RUNNING = "waiting", "ordered", "withdrawing", "running"
RETRYING, DONE, FAILED, CANCELLED = "retrying", "done", "failed", "cancelled"
STATES = (WAITING, ORDERED, WITHDRAWING, RUNNING, RETRYING, DONE, FAILED, CANCELLED)
ACTIVE = (ORDERED, WITHDRAWING, RUNNING)

TABLE: dict[tuple[str, str], str] = {
    (WAITING, "ordered"): ORDERED,
    (WAITING, "asked"): RUNNING,
    (WAITING, "already"): DONE,
    (WAITING, "cancelled"): CANCELLED,
    (WAITING, "succeeded"): DONE,
    (ORDERED, "taken"): RUNNING,
    (ORDERED, "withdrawing"): WITHDRAWING,
    (ORDERED, "unsent"): WAITING,
    (ORDERED, "succeeded"): DONE,
    (ORDERED, "set_back"): RETRYING,
    (ORDERED, "failed"): FAILED,
    (WITHDRAWING, "taken"): RUNNING,
    (WITHDRAWING, "unsent"): WAITING,
    (WITHDRAWING, "cancelled"): CANCELLED,
    (WITHDRAWING, "succeeded"): DONE,
    (WITHDRAWING, "set_back"): RETRYING,
    (WITHDRAWING, "failed"): FAILED,
    (RUNNING, "progress"): RUNNING,
    (RUNNING, "succeeded"): DONE,
    (RUNNING, "set_back"): RETRYING,
    (RUNNING, "failed"): FAILED,
    (RETRYING, "due"): WAITING,
    (RETRYING, "cancelled"): CANCELLED,
    (RETRYING, "succeeded"): DONE,
    (FAILED, "succeeded"): DONE,
    (FAILED, "again"): WAITING,
}
"""(state, event) -> state."""


class Target(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`attempt` of those allowed; `number` of all orders that it ever got, which makes an order's id; `since` when its state
    last changed, `began` when its attempt did."""

    state: str = WAITING
    attempt: int = 0
    number: int = 0
    detail: str = ""
    since: datetime | None = None
    began: datetime | None = None


def moved(target: Target, event: str, detail: str, at: datetime) -> Target | None:
    """The target after an event; None where the table has no such line."""
    to = TABLE.get((target.state, event))
    if to is None:
        return None
    attempt, number, began = target.attempt, target.number, target.began
    if event in ("ordered", "asked"):
        attempt, number, began = attempt + 1, number + 1, at
    elif event == "unsent":
        attempt -= 1  # it was none
    elif event == "again":
        attempt = 0
    return Target(to, attempt, number, detail or target.detail, at, began)
