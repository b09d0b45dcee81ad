"""Fixtures that any test may ask for; what they give is told in tests/kits/."""

from tests.kits.postgres import database, fresh_dsn, postgres_server, postgres_template, quick_path

__all__ = ["database", "fresh_dsn", "postgres_server", "postgres_template", "quick_path"]
