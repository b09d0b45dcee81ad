"""One-time tokens that are past their time are found by it."""

from storage.migrations import plain

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    plain.run("0023_token_over.sql")
