"""The ladder on which an actor's place stands."""

import enum


class Status(enum.Enum):
    ACTIVATING = "activating"
    ACTIVE = "active"
    RESTARTING = "restarting"
    COOLING = "cooling"
    """Its restart budget is exhausted (or it cannot be read here): asks are refused for a while."""
    SUSPENDED = "suspended"
    DRAINING = "draining"
    """An operator wants it gone: nothing new is taken, what is queued is finished, then its place is free."""
    STOPPED = "stopped"
    ENDED = "ended"
