"""The life of a session as a table: in which phase what may happen, and where it leads.

Events are named after facts (`apply.py` says which fact is which event). Whatever is not in the table cannot be
applied, and what cannot be applied is never written. `diagram()` draws the table; the drawing beside this module
(phases.mmd) is compared with it by a test.
"""

from typing import Literal

from actors.model.transitions import Transitions

Phase = Literal[
    "new", "authorised", "started", "charging", "suspended", "ended", "rated", "booked",
    "unpriced", "quarantined", "waived", "matched",
]  # fmt: skip
Event = Literal[
    "authorised", "started", "charging", "suspended", "ended", "rated", "booked",
    "unpriced", "quarantined", "waived", "stray", "unreadable", "matched",
]  # fmt: skip

TABLE: tuple[tuple[Phase, Event, Phase], ...] = (
    # A start is recorded whatever the token is worth; an accepted one passes through `authorised`.
    ("new", "authorised", "authorised"),
    ("new", "started", "started"),
    ("authorised", "started", "started"),
    # Charging states come from connector statuses and meter readings, in any order.
    ("started", "charging", "charging"),
    ("started", "suspended", "suspended"),
    ("charging", "suspended", "suspended"),
    ("suspended", "charging", "charging"),
    # The stop: ended, rated and booked in one turn.
    ("started", "ended", "ended"),
    ("charging", "ended", "ended"),
    ("suspended", "ended", "ended"),
    ("ended", "rated", "rated"),
    ("rated", "booked", "booked"),
    # No tariff is never "free"; an operator names one, or waives.
    ("ended", "unpriced", "unpriced"),
    ("unpriced", "rated", "rated"),
    ("unpriced", "waived", "waived"),
    # Anomalies never reach a bill; an operator bills, corrects or waives.
    ("ended", "quarantined", "quarantined"),
    ("ended", "waived", "waived"),
    ("quarantined", "ended", "quarantined"),
    ("quarantined", "rated", "rated"),
    ("quarantined", "waived", "waived"),
    # A session whose stop never came is closed by an operator, never by itself.
    ("started", "rated", "rated"),
    ("charging", "rated", "rated"),
    ("suspended", "rated", "rated"),
    ("started", "waived", "waived"),
    ("charging", "waived", "waived"),
    ("suspended", "waived", "waived"),
    # What has no start: a stray stop, a message that could not be read, a stop that found its session elsewhere.
    ("new", "stray", "quarantined"),
    ("new", "unreadable", "quarantined"),
    ("started", "unreadable", "quarantined"),
    ("charging", "unreadable", "quarantined"),
    ("suspended", "unreadable", "quarantined"),
    ("quarantined", "unreadable", "quarantined"),
    ("new", "matched", "matched"),
)

OPEN: frozenset[str] = frozenset({"authorised", "started", "charging", "suspended"})
"""Phases in which a stop is still expected."""
SETTLED: frozenset[Phase] = frozenset({"booked", "waived"})
"""Phases that no message leaves again."""


_LIFE: Transitions[Phase, Event] = Transitions("session", TABLE, SETTLED | {"matched"})
allows, after, diagram = _LIFE.allows, _LIFE.after, _LIFE.diagram


def public_state(phase: Phase) -> str:
    """The state as the admin API names it: active, ended or quarantined."""
    if phase == "quarantined":
        return "quarantined"
    return "active" if phase in OPEN or phase == "new" else "ended"
