"""Quirks that stations were seen to have."""

from storage.migrations import plain

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    plain.run("0010_quirk.sql")
