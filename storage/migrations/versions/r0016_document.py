"""Fiscal documents and their gap-free numbers."""

from storage.migrations import plain

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    plain.run("0016_document.sql")
