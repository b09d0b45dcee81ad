"""Numbers of documents are unique by an index that is no rival of the key."""

from storage.migrations import plain

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    plain.run("0021_document_number.sql")
