"""What must still happen: durable timers, the outbox of redeliverable effects, and the dead letters.

Leases of the outbox are kept by the database's own clock; timers are due by the clock that the caller passes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from runtime.address import Address
from runtime.store import DeadLetter, OutboxItem, StoredTimer
from runtime.turn import EffectRow
from storage import cursors

_DUE: Final = """
    SELECT k.tenant, k.kind, k.id, t.name, t.due, t.body::text
    FROM (SELECT * FROM timer WHERE due <= $1 ORDER BY due LIMIT $2) AS t JOIN actor k ON k.key = t.actor
    ORDER BY t.due
"""
_NEXT: Final = "SELECT min(due) FROM timer"

_TAKE: Final = """
    WITH taken AS (
        UPDATE outbox o SET attempt = o.attempt + 1, due = now() + $3 * interval '1 second'
        FROM (SELECT one.tenant, one.actor, one.id FROM unnest($1::text[]) AS topics (topic) CROSS JOIN LATERAL (
                  SELECT tenant, actor, id, due FROM outbox
                  WHERE klass = 'redeliver' AND topic = topics.topic AND due <= now()
                  ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED) AS one
              ORDER BY one.due LIMIT $2) AS ready
        WHERE o.tenant = ready.tenant AND o.actor = ready.actor AND o.id = ready.id
        RETURNING o.*
    )
    SELECT k.tenant, k.kind, k.id AS name, t.id, t.topic, t.body, t.not_after, t.attempt
    FROM taken t JOIN actor k ON k.key = t.actor ORDER BY t.staged_at, t.id
"""
_RETRY: Final = """
    UPDATE outbox o SET due = $5, error = $6 FROM actor k
    WHERE k.tenant = $1 AND k.kind = $2 AND k.id = $3 AND o.tenant = k.tenant AND o.actor = k.key AND o.id = $4
"""

_BURY: Final = """
    INSERT INTO dead_letter (id, tenant, kind, actor, at, message_type, body, fingerprint, error, traceback,
                             correlation, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING
"""
_DEAD: Final = """
    SELECT id, tenant, kind, actor, at, message_type, body, fingerprint, error, traceback, correlation, state
    FROM dead_letter
"""
_SETTLE: Final = "UPDATE dead_letter SET state = $2 WHERE id = $1 AND state = 'open' RETURNING id"


async def due_timers(connection: asyncpg.Connection, now: datetime, limit: int) -> list[StoredTimer]:
    return [
        StoredTimer(Address(tenant, kind, name), timer, due, body.encode())
        for tenant, kind, name, timer, due, body in await connection.fetch(_DUE, now, limit)
    ]


async def next_timer(connection: asyncpg.Connection) -> datetime | None:
    due: datetime | None = await connection.fetchval(_NEXT)
    return due


async def take_outbox(connection: asyncpg.Connection, topics: Sequence[str], limit: int, lease: float) -> list[OutboxItem]:
    return [
        OutboxItem(
            Address(row["tenant"], row["kind"], row["name"]),
            EffectRow(row["id"], "redeliver", row["topic"], row["body"], row["not_after"]),
            row["attempt"],
        )
        for row in await connection.fetch(_TAKE, list(topics), limit, lease)
    ]


async def retry_outbox(connection: asyncpg.Connection, actor: Address, effect_id: str, at: datetime, error: str) -> None:
    await connection.execute(_RETRY, *actor, effect_id, at, error.replace("\0", "\ufffd"))


def _plain(text: str) -> str:
    """Text as PostgreSQL takes it: what is buried is whatever crashed an actor."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


async def bury(connection: asyncpg.Connection, dead: DeadLetter) -> None:
    await connection.execute(
        _BURY, dead.id, *map(_plain, dead.actor), dead.at, _plain(dead.message_type), dead.body,
        _plain(dead.fingerprint), _plain(dead.error), _plain(dead.traceback), _plain(dead.correlation), dead.state,
    )  # fmt: skip


async def dead_letters(
    connection: asyncpg.Connection, tenant: str | None, state: str | None, limit: int, cursor: str | None
) -> tuple[list[DeadLetter], str | None]:
    """Newest first."""
    where, values = [], []
    after = cursors.decode(cursor, datetime, str)
    for condition, value in (("tenant = ${}", tenant), ("state = ${}", state)):
        if value is not None:
            values.append(value)
            where.append(condition.format(len(values)))
    if after is not None:
        values += after
        where.append(f"(at, id) < (${len(values) - 1}, ${len(values)})")
    sql = _DEAD + (f"WHERE {' AND '.join(where)} " if where else "") + f"ORDER BY at DESC, id DESC LIMIT {limit + 1:d}"
    found = [_dead(row) for row in await connection.fetch(sql, *values)]
    if len(found) <= limit:
        return found, None
    return found[:limit], cursors.encode(found[limit - 1].at, found[limit - 1].id)


async def dead_letter(connection: asyncpg.Connection, dead_id: str) -> DeadLetter | None:
    row = await connection.fetchrow(_DEAD + "WHERE id = $1", dead_id)
    return None if row is None else _dead(row)


async def settle_dead_letter(connection: asyncpg.Connection, dead_id: str, state: str) -> bool:
    return await connection.fetchval(_SETTLE, dead_id, state) is not None


def _dead(row: asyncpg.Record) -> DeadLetter:
    fields = dict(row)
    fields["actor"] = Address(fields.pop("tenant"), fields.pop("kind"), fields["actor"])
    return DeadLetter(**fields)
