"""Read models, natural keys and the vault, with the writers of a turn's rows."""

from storage.migrations import plain

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    plain.run("0003_rows.sql")
