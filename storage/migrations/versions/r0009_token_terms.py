"""What a tenant has arranged with a token besides its status."""

from storage.migrations import plain

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    plain.run("0009_token_terms.sql")
