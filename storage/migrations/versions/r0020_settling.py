"""Transfers, payouts, and movements on accounts with the payment provider."""

from storage.migrations import plain

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    plain.run("0020_settling.sql")
