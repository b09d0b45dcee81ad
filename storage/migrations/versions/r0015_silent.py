"""An index over the payment attempts that wait for the provider."""

from storage.migrations import plain

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    plain.run("0015_silent.sql")
