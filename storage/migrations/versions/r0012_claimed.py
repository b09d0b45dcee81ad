"""Whether somebody has paid for the place at an EVSE and is about to begin."""

from storage.migrations import plain

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    plain.run("0012_claimed.sql")
