"""The double-entry ledger."""

from storage.migrations import plain

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    plain.run("0002_ledger.sql")
