"""A CDR that takes another one back."""

from storage.migrations import plain

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    plain.run("0022_credit_cdr.sql")
