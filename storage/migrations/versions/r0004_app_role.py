"""What the role that a node works as may do."""

from storage.migrations import plain

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    plain.run("0004_app_role.sql")
