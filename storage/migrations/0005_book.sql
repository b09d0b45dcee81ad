-- The small books that are kept of a station (actors/model/rows.BookRow): charging profiles, reservations, display messages,
-- monitors, installed certificates ... One table for all of them: each is a list of a few entries that only the API reads.
-- An entry that is gone is deleted: turns of one actor commit in order, so nothing older can come after it.

CREATE TABLE book (
    tenant       text COLLATE "C" NOT NULL,
    station      text COLLATE "C" NOT NULL,
    book         text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    body         jsonb NOT NULL,
    updated_at   timestamptz NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    PRIMARY KEY (station, tenant, book, key)
) WITH (fillfactor = 80);

CREATE FUNCTION write_book(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    WITH last AS MATERIALIZED (
        SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C", r.book COLLATE "C", r.key COLLATE "C")
            r.tenant, r.station, r.book, r.key, r.body, r.updated_at, r.deleted, b.actor, b.seq
        FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
            json_to_record(b.body) AS r (tenant text, station text, book text, key text, body jsonb, updated_at timestamptz,
                deleted boolean)
        ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.book COLLATE "C", r.key COLLATE "C", b.n DESC
    ), gone AS (
        DELETE FROM book t USING last l
        WHERE l.deleted AND (t.station, t.tenant, t.book, t.key) = (l.station, l.tenant, l.book, l.key)
            AND (t.actor <> l.actor OR t.applied_seq < l.seq)
    )
    INSERT INTO book AS t (tenant, station, book, key, body, updated_at, actor, applied_seq)
    SELECT l.tenant, l.station, l.book, l.key, l.body, l.updated_at, l.actor, l.seq FROM last l WHERE NOT l.deleted
    ORDER BY l.station COLLATE "C", l.tenant COLLATE "C", l.book COLLATE "C", l.key COLLATE "C"
    ON CONFLICT (station, tenant, book, key) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at,
        actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
