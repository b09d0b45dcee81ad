"""Trust of tenants, and passwords and security profiles that change."""

from storage.migrations import plain

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    plain.run("0007_security.sql")
