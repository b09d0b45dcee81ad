"""The database as trio sees it: queries, notifications, health."""

from storage.database import Database


async def test_a_query_crosses_to_postgresql_and_back(database: Database) -> None:
    assert await database.fetchval("SELECT $1::int + 1", 41) == 42
    assert database.health.ready
