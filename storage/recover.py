"""What incarnations start from, read for many actors at once.

Claiming and reading are two statements on purpose. The claim may wait for another incarnation's commit; a single
statement would then return the head of after that commit beside the facts of before it, and a state that lacks a
fact would pass the fence. The reading statement has one snapshot for everything it reads.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from runtime.address import Address
from runtime.store import Recovered, StoredFact, StoredLetter
from runtime.turn import NO_TURN, CheckpointRow, EffectRow, FactRow, LetterKey
from storage.keys import Keys

_CLAIM: Final = """
    UPDATE head h SET epoch = h.epoch + 1
    FROM (SELECT k.tenant, k.key FROM unnest($1::text[], $2::text[], $3::text[]) AS a (tenant, kind, id)
          JOIN actor k ON k.tenant = a.tenant AND k.kind = a.kind AND k.id = a.id ORDER BY k.key) AS k
    WHERE h.tenant = k.tenant AND h.actor = k.key
"""

_KNOWN: Final = """
    SELECT a.place FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS a (tenant, kind, id, place)
    JOIN actor k ON k.tenant = a.tenant AND k.kind = a.kind AND k.id = a.id
"""

_READ: Final = """
    SELECT a.place, k.key, h.seq, h.turn, c.seq AS c_seq, c.version AS c_version, c.body::text AS c_body,
           f.seqs, f.ns, f.types, f.versions, f.bodies, f.bulks,
           l.senders, l.from_seqs, l.l_ns, l.l_bodies,
           o.ids, o.topics, o.o_bodies, o.not_afters
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS a (tenant, kind, id, place)
    JOIN actor k ON k.tenant = a.tenant AND k.kind = a.kind AND k.id = a.id
    LEFT JOIN head h ON h.tenant = k.tenant AND h.actor = k.key
    LEFT JOIN checkpoint c ON c.tenant = k.tenant AND c.actor = k.key
    LEFT JOIN LATERAL (
        SELECT array_agg(seq) AS seqs, array_agg(n) AS ns, array_agg(type) AS types, array_agg(version) AS versions,
               array_agg(body) AS bodies, array_agg(bulk) AS bulks
        FROM (SELECT seq, n, type, version, body::text, false AS bulk FROM fact
              WHERE tenant = k.tenant AND actor = k.key AND seq > coalesce(c.seq, 0) AND at >= h.behind_since
              UNION ALL
              SELECT seq, n, type, version, body::text, true FROM meter
              WHERE tenant = k.tenant AND actor = k.key AND seq > coalesce(c.seq, 0) AND at >= h.behind_since
              ORDER BY 1, 2) AS one
    ) AS f ON h.behind_since IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT array_agg(sender) AS senders, array_agg(from_seq) AS from_seqs, array_agg(n) AS l_ns,
               array_agg(body) AS l_bodies
        FROM (SELECT sender, from_seq, n, body::text FROM letter
              WHERE tenant = k.tenant AND receiver = k.key ORDER BY id) AS one
    ) AS l ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(id) AS ids, array_agg(topic) AS topics, array_agg(body) AS o_bodies,
               array_agg(not_after) AS not_afters
        FROM (SELECT id, topic, body, not_after FROM outbox
              WHERE tenant = k.tenant AND actor = k.key AND klass = 'once' ORDER BY staged_at, id) AS one
    ) AS o ON true
"""

_NAMES: Final = "SELECT key, tenant, kind, id FROM actor WHERE key = ANY ($1)"

_HISTORY: Final = """
    SELECT seq, n, type, version, body, bulk FROM (
        SELECT f.seq, f.n, f.type, f.version, f.body::text, false AS bulk
        FROM actor k JOIN fact f ON f.tenant = k.tenant AND f.actor = k.key
        WHERE k.tenant = $1 AND k.kind = $2 AND k.id = $3
        UNION ALL
        SELECT f.seq, f.n, f.type, f.version, f.body::text, true
        FROM actor k JOIN meter f ON f.tenant = k.tenant AND f.actor = k.key
        WHERE k.tenant = $1 AND k.kind = $2 AND k.id = $3) AS one
    ORDER BY seq, n
"""

_WAITING: Final = """
    SELECT r.tenant, r.kind, r.id, l.sender, l.from_seq, l.n, l.body::text
    FROM (SELECT * FROM letter WHERE sent_at < $1 ORDER BY sent_at LIMIT $2) AS l
    JOIN actor r ON r.key = l.receiver ORDER BY l.id
"""

_NOTHING: Final = Recovered(seq=0, turn=NO_TURN)


async def claim_and_read(connection: asyncpg.Connection, addresses: Sequence[Address], keys: Keys) -> list[Recovered]:
    """As `read`, after claiming. What was never named in a commit (every new session) has nothing to claim or to read, and
    is spared both statements: they open all the partitions there are. If it is born meanwhile, the fence finds out."""
    known = sorted(place - 1 for (place,) in await connection.fetch(_KNOWN, *_columns(addresses)))
    found = [_NOTHING] * len(addresses)
    if known:
        some = [addresses[place] for place in known]
        await connection.execute(_CLAIM, *_columns(some))
        for place, recovered in zip(known, await read(connection, some, keys), strict=True):
            found[place] = recovered
    return found


async def read(connection: asyncpg.Connection, addresses: Sequence[Address], keys: Keys) -> list[Recovered]:
    """One answer an address, in order."""
    found = [_NOTHING] * len(addresses)
    rows = await connection.fetch(_READ, *_columns(addresses))
    names = await _names(connection, {sender for row in rows for sender in row["senders"] or ()})
    for row in rows:
        place = row["place"] - 1
        keys.learn(addresses[place], row["key"])
        found[place] = Recovered(
            seq=row["seq"] or 0,
            turn=row["turn"] or NO_TURN,
            checkpoint_seq=row["c_seq"] or 0,
            checkpoint=None if row["c_body"] is None else CheckpointRow(row["c_version"], row["c_body"].encode()),
            facts=_facts(row),
            letters=_letters(addresses[place], row, names),
            effects=[
                EffectRow(effect_id, "once", topic, body, not_after)
                for effect_id, topic, body, not_after in _parallel(row, "ids", "topics", "o_bodies", "not_afters")
            ],
        )
    return found


async def history(connection: asyncpg.Connection, address: Address) -> list[StoredFact]:
    rows = await connection.fetch(_HISTORY, *address)
    return [StoredFact(seq, FactRow(n, kind, version, body.encode(), bulk)) for seq, n, kind, version, body, bulk in rows]


async def waiting_letters(connection: asyncpg.Connection, older_than: Any, limit: int) -> list[StoredLetter]:
    rows = await connection.fetch(_WAITING, older_than, limit)
    names = await _names(connection, {row["sender"] for row in rows})
    return [
        StoredLetter(Address(tenant, kind, name), LetterKey(names[sender], from_seq, n), body.encode())
        for tenant, kind, name, sender, from_seq, n, body in rows
    ]


async def _names(connection: asyncpg.Connection, wanted: set[int]) -> dict[int, Address]:
    if not wanted:
        return {}
    return {key: Address(*name) for key, *name in await connection.fetch(_NAMES, list(wanted))}


def _columns(addresses: Sequence[Address]) -> tuple[list[str], ...]:
    """Tenants, kinds and ids. Text that PostgreSQL cannot hold names no actor that ever was: it becomes empty, so
    that one such address does not fail all that are recovered with it."""
    tenants, kinds, ids = zip(*addresses, strict=True)
    return [*map(_storable, tenants)], [*map(_storable, kinds)], [*map(_storable, ids)]


def _storable(text: str) -> str:
    if "\0" in text:
        return ""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return ""
    return text


def _parallel(row: asyncpg.Record, *columns: str) -> Iterable[tuple[Any, ...]]:
    if row[columns[0]] is None:
        return ()
    return zip(*(row[column] for column in columns), strict=True)


def _facts(row: asyncpg.Record) -> list[StoredFact]:
    return [
        StoredFact(seq, FactRow(n, kind, version, body.encode(), bulk))
        for seq, n, kind, version, body, bulk in _parallel(row, "seqs", "ns", "types", "versions", "bodies", "bulks")
    ]


def _letters(to: Address, row: asyncpg.Record, names: dict[int, Address]) -> list[StoredLetter]:
    return [
        StoredLetter(to, LetterKey(names[sender], from_seq, n), body.encode())
        for sender, from_seq, n, body in _parallel(row, "senders", "from_seqs", "l_ns", "l_bodies")
    ]
