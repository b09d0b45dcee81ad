"""Payment attempts and the inbox of the provider's webhooks."""

from storage.migrations import plain

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    plain.run("0011_payment.sql")
