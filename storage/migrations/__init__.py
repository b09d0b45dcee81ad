"""The schema, as alembic revisions that each run one file of plain SQL beside this one (see storage/migrate.py)."""
