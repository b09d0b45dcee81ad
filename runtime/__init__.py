"""Supervised, durable actors on trio. This room knows nothing of charging and could be published alone.

Start reading at `system` (the face and the node's tree), then `cell` and `incarnation` (the life of one actor and of
one message), `committer` (many turns, one transaction), `crash` and `supervisor` (what happens when something breaks).
"""

from runtime.actor import Actor, Context
from runtime.address import Address
from runtime.clock import Clock, ManualClock, SystemClock
from runtime.limits import Limits
from runtime.reports import ChildReport, CrashReport, Notice, Reporter
from runtime.restart import Backoff, Budget
from runtime.supervisor import ChildSpec, Escalated, Supervisor
from runtime.system import System

__all__ = [
    "Actor",
    "Address",
    "Backoff",
    "Budget",
    "ChildReport",
    "ChildSpec",
    "Clock",
    "Context",
    "CrashReport",
    "Escalated",
    "Limits",
    "ManualClock",
    "Notice",
    "Reporter",
    "Supervisor",
    "System",
    "SystemClock",
]
