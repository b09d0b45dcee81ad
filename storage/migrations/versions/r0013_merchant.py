"""Merchants, and which one a station names."""

from storage.migrations import plain

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    plain.run("0013_merchant.sql")
