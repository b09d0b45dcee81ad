"""The audit finds the lines of a session."""

from storage.migrations import plain

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    plain.run("0019_audit_index.sql")
