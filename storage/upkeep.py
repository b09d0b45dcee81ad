"""Chores that run beside the work, on the side thread: partitions ahead of time, what nobody needs any more, and the embedded
server's life."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from runtime.store import StoreAway
from storage import limits
from storage.embedded import EmbeddedError, EmbeddedServer
from storage.links import Link

_log = logging.getLogger(__name__)

_RULES: Final = "SELECT parent FROM partition_rule ORDER BY parent"
_KEEP: Final = "SELECT keep_partitions($1, $2, $3)"
_FORGET: Final = """DELETE FROM inbox i USING (
    SELECT tenant, station, last_seen, row_number() OVER (PARTITION BY tenant ORDER BY last_seen DESC, station) AS n FROM inbox
) old WHERE (i.tenant, i.station) = (old.tenant, old.station) AND (old.n > $2 OR old.last_seen < $1)"""
_ONE_TIME = "ctid = ANY (ARRAY(SELECT ctid FROM token WHERE payment LIKE 'attempt:%' AND expires < $1 AND {} LIMIT $2))"
_OVER: Final = f"UPDATE token SET deleted = true, changed = pg_current_xact_id() WHERE {_ONE_TIME.format('NOT deleted')}"  # noqa: S608
_GONE: Final = f"DELETE FROM token WHERE {_ONE_TIME.format('deleted')}"  # noqa: S608

_UNPAID: Final = """
    WITH old AS (
        SELECT p.tenant, p.id, p.actor, p.created_at, p.updated_at FROM payment p
        WHERE p.state IN ('expired', 'released') AND p.captured_minor = 0 AND p.updated_at < $1
            -- None that has to do with money, a session or a paper, nor one that somebody still has to do with.
            AND p.excess_minor = 0 AND p.session IS NULL AND cardinality(p.journals) = 0
            AND NOT EXISTS (SELECT FROM ledger_journal j WHERE (j.ref, j.tenant) = (p.id, p.tenant))
            AND NOT EXISTS (SELECT FROM document d WHERE (d.ref, d.tenant) = (p.id, p.tenant))
            AND NOT EXISTS (SELECT FROM timer t WHERE (t.tenant, t.actor) = (p.tenant, p.actor))
            AND NOT EXISTS (SELECT FROM letter l WHERE (l.tenant, l.receiver) = (p.tenant, p.actor))
            AND NOT EXISTS (SELECT FROM outbox o WHERE (o.tenant, o.actor) = (p.tenant, p.actor))
            -- What it could not take in may be about money: an operator has it, and may replay it.
            AND NOT EXISTS (SELECT FROM dead_letter m
                WHERE (m.tenant, m.kind, m.actor) = (p.tenant, 'payment', p.id) AND m.state = 'open')
        ORDER BY p.updated_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED
    ), heads AS (
        DELETE FROM head h USING old WHERE (h.tenant, h.actor) = (old.tenant, old.actor)
    ), checkpoints AS (
        DELETE FROM checkpoint c USING old WHERE (c.tenant, c.actor) = (old.tenant, old.actor)
    ), facts AS (
        DELETE FROM fact f USING old WHERE (f.tenant, f.actor) = (old.tenant, old.actor)
            AND f.at BETWEEN old.created_at - interval '1 day' AND old.updated_at + interval '1 day'
    )
    DELETE FROM payment p USING old WHERE (p.tenant, p.id) = (old.tenant, old.id)"""


async def keep_partitions(connection: asyncpg.Connection, now: datetime) -> int:
    """Make the parts that are needed soon and drop those past their time; how many changed. A table that is too
    busy to be changed now is left for the next time: the default part takes its rows meanwhile."""
    changed = 0
    for (parent,) in await connection.fetch(_RULES):
        try:
            changed += await connection.fetchval(_KEEP, parent, now, limits.PARTITION_LOCK_TIMEOUT_MS)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.DuplicateTableError) as error:
            _log.info("partitions of %s are left for later: %s", parent, error)
    return changed


async def forget_inbox(connection: asyncpg.Connection, now: datetime) -> int:
    """Unknown stations that were not heard for long, and those beyond a tenant's most; how many."""
    old = now - timedelta(days=limits.INBOX_DAYS)
    said: str = await connection.execute(_FORGET, old, limits.INBOX_STATIONS)
    return int(said.rpartition(" ")[2])


async def forget_one_time_tokens(connection: asyncpg.Connection, now: datetime) -> int:
    """Each card payment made one, and each is a card in every node's memory; how many were dropped there."""
    batch = limits.ONE_TIME_BATCH
    await connection.execute(_GONE, now - timedelta(days=limits.ONE_TIME_GONE_DAYS), batch)
    said: str = await connection.execute(_OVER, now - timedelta(days=limits.ONE_TIME_DAYS), batch)
    return int(said.rpartition(" ")[2])


async def forget_unpaid(connection: asyncpg.Connection, now: datetime, days: int) -> int:
    """Payment attempts that came to nothing, with all that their actors remember; how many. One that a turn of which was still on
    its way loses by the fence. The actor's interned key stays: nodes remember it, and it says nothing."""
    said: str = await connection.execute(_UNPAID, now - timedelta(days=days), limits.UNPAID_BATCH)
    return int(said.rpartition(" ")[2])


async def first_parts(link: Link) -> None:
    """The parts of now, before the first turn is taken: after a long rest rows would land in the default parts, and be moved
    under a lock that commits wait behind. What fails here is tried again by the chore."""
    try:
        await link.use(keep_partitions, datetime.now(UTC))
    except asyncpg.UndefinedTableError:
        _log.debug("no schema yet, hence nothing to keep")
    except (StoreAway, asyncpg.PostgresError) as error:
        _log.info("partitions are left for later: %s", error)


def retention(unpaid_days: int) -> Callable[[Link], Awaitable[None]]:
    """A chore: keep the partitions, the inbox, the one-time tokens and the unpaid attempts, every few minutes. Not at once: what
    is needed now `first_parts` has made, and a command that opens the database for a second has nothing to sweep in it."""

    async def keeping(link: Link) -> None:
        await asyncio.sleep(limits.MAINTENANCE_EVERY)
        while True:
            try:
                await link.use(keep_partitions, datetime.now(UTC))
                await link.use(forget_inbox, datetime.now(UTC))
                await link.use(forget_one_time_tokens, datetime.now(UTC))
                await link.use(forget_unpaid, datetime.now(UTC), unpaid_days)
            except StoreAway:
                await asyncio.sleep(limits.RECONNECT_LONGEST)
                continue
            except asyncpg.UndefinedTableError:
                _log.debug("no schema yet, hence nothing to keep")
            except asyncpg.PostgresError as error:
                _log.warning("partitions, inbox, one-time tokens and unpaid attempts could not be kept: %s", error)
            await asyncio.sleep(limits.MAINTENANCE_EVERY)

    return keeping


def watch(server: EmbeddedServer) -> Callable[[Link], Awaitable[None]]:
    """A chore: start the embedded server again whenever it is gone."""

    async def watching(_: Link) -> None:
        while True:
            await asyncio.sleep(limits.WATCH_EVERY)
            try:
                await asyncio.to_thread(server.ensure)
            except (EmbeddedError, OSError) as error:
                _log.error("the embedded PostgreSQL cannot be started again: %s", error)
                await asyncio.sleep(limits.RECONNECT_LONGEST)

    return watching
