"""What waits for actors, for people who look: durable timers, letters that nobody has consumed, effects that nobody has settled.

Only read, a page at a time, along the indexes that the workers use.
"""

from datetime import datetime
from typing import Any, Final

import asyncpg

from runtime.address import Address
from runtime.store import Obligations, OpenEffect, StoredTimer, WaitingLetter
from runtime.turn import EffectRow, LetterKey
from storage import cursors

_TIMERS: Final = """
    SELECT k.tenant, k.kind, k.id, t.name, t.due, t.body::text FROM timer t JOIN actor k ON k.key = t.actor
"""
_KEY: Final = "SELECT key FROM actor WHERE tenant = $1 AND kind = $2 AND id = $3"
_LETTERS: Final = """
    SELECT s.tenant, s.kind, s.id, l.from_seq, l.n, l.sent_at, l.body::text
    FROM letter l JOIN actor s ON s.key = l.sender
    WHERE l.tenant = $1 AND l.receiver = $2 ORDER BY l.id LIMIT $3
"""
_EFFECTS: Final = """
    SELECT id, klass, topic, body, not_after, attempt, due, error FROM outbox
    WHERE tenant = $1 AND actor = $2 ORDER BY staged_at, id LIMIT $3
"""


async def timers(
    connection: asyncpg.Connection, tenant: str | None, actor: Address | None, limit: int, cursor: str | None
) -> tuple[list[StoredTimer], str | None]:
    where: list[str] = []
    values: list[Any] = []
    for column, value in (
        ("t.tenant", actor.tenant if actor is not None else tenant),
        ("k.kind", actor.kind if actor is not None else None),
        ("k.id", actor.id if actor is not None else None),
    ):
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    after = cursors.decode(cursor, datetime, str, str, str, str)
    if after is not None:
        places = ", ".join(f"${len(values) + n}" for n in range(1, 6))
        values += after
        where.append(f"(t.due, k.tenant, k.kind, k.id, t.name) > ({places})")
    condition = f"WHERE {' AND '.join(where)} " if where else ""
    order = f"ORDER BY t.due, k.tenant, k.kind, k.id, t.name LIMIT {limit + 1:d}"
    rows = await connection.fetch(_TIMERS + condition + order, *values)
    found = [
        StoredTimer(Address(tenant_, kind, id_), name, due, body.encode()) for tenant_, kind, id_, name, due, body in rows[:limit]
    ]
    if len(rows) <= limit:
        return found, None
    return found, cursors.encode(found[-1].at, *found[-1].actor, found[-1].name)


async def obligations(connection: asyncpg.Connection, actor: Address, limit: int) -> Obligations:
    key = await connection.fetchval(_KEY, *actor)
    if key is None:
        return Obligations()
    letters = await connection.fetch(_LETTERS, actor.tenant, key, limit)
    effects = await connection.fetch(_EFFECTS, actor.tenant, key, limit)
    return Obligations(
        [
            WaitingLetter(LetterKey(Address(tenant, kind, id_), from_seq, n), sent_at, body.encode())
            for tenant, kind, id_, from_seq, n, sent_at, body in letters
        ],
        [
            OpenEffect(
                effect=EffectRow(row["id"], row["klass"], row["topic"], row["body"], row["not_after"]),
                attempt=row["attempt"], due=row["due"], error=row["error"],
            )
            for row in effects
        ],
    )  # fmt: skip
