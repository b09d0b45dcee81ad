"""The small books that are kept of a station."""

from storage.migrations import plain

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    plain.run("0005_book.sql")
