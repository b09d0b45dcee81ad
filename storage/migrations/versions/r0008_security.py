"""Trust of tenants, and passwords and security profiles that change."""

from storage.migrations import plain

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    plain.run("0008_security.sql")
