"""An index over the payment attempts that wait for the provider."""

from storage.migrations import plain

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    plain.run("0014_silent.sql")
