"""Wallets and the lines of their statements."""

from storage.migrations import plain

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    plain.run("0018_wallet.sql")
