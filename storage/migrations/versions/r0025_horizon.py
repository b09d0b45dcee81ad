"""The horizon of this database, not of its server; partitions kept in one statement."""

from storage.migrations import plain

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    plain.run("0025_horizon.sql")
