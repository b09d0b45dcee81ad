"""What was captured past us beyond the cost."""

from storage.migrations import plain

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    plain.run("0024_excess.sql")
