"""Merchants, and which one a station names."""

from storage.migrations import plain

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    plain.run("0012_merchant.sql")
