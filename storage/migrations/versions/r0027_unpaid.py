"""Attempts that came to nothing are found by their age."""

from storage.migrations import plain

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    plain.run("0027_unpaid.sql")
