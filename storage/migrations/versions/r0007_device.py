"""Device models shrink as well; secrets can be erased."""

from storage.migrations import plain

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    plain.run("0007_device.sql")
