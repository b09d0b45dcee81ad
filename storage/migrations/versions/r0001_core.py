"""Heads, facts, checkpoints, letters, timers, outbox, dead letters, events, traces."""

from storage.migrations import plain

revision = "0001"
down_revision = None


def upgrade() -> None:
    plain.run("0001_core.sql")
