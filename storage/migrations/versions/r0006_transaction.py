"""What the events of a 2.x transaction say besides."""

from storage.migrations import plain

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    plain.run("0006_transaction.sql")
