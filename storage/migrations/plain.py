"""Runs one file of plain SQL as a revision, inside alembic's transaction.

The whole script goes to asyncpg as it stands, many statements at once: SQLAlchemy would prepare it, which takes one
statement only, and would read its colons as parameters.
"""

from pathlib import Path
from typing import Any

from alembic import op


def run(name: str) -> None:
    script = Path(__file__).with_name(name).read_text()
    bind = op.get_bind()
    bind.exec_driver_sql("SELECT 1")  # the adapter opens its transaction with the first statement of its own
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))
