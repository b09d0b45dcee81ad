-- Whether somebody has paid for the place at an EVSE and is about to begin (actors/evse/claims.py).

ALTER TABLE evse ADD COLUMN claimed boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION write_evse(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evse AS t (tenant, station, evse, code, status, detail, connectors, session, claimed, updated_at, actor,
        applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C", r.evse) r.tenant, r.station, r.evse, r.code, r.status,
        r.detail, r.connectors, r.session, r.claimed, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, evse integer, code text, status text, detail text,
            connectors jsonb, session text, claimed boolean, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.evse, b.n DESC
    ON CONFLICT (tenant, station, evse) DO UPDATE SET code = excluded.code, status = excluded.status,
        detail = excluded.detail, connectors = excluded.connectors, session = excluded.session, claimed = excluded.claimed,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
