"""Payments, merchants and webhooks by platform account."""

from storage.migrations import plain

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    plain.run("0026_platform.sql")
