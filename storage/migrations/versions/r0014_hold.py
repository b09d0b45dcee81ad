"""Holds on accounts with a floor."""

from storage.migrations import plain

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    plain.run("0014_hold.sql")
