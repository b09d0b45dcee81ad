"""The nightly audits of the books."""

from storage.migrations import plain

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    plain.run("0017_books_audit.sql")
