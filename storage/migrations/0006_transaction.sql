-- What the events of an OCPP 2.x transaction say besides (actors/session/rows.transaction_view): the charging state, which
-- events are missing ... NULL for a session of 1.6.

ALTER TABLE session ADD COLUMN transaction json;

CREATE OR REPLACE FUNCTION write_session(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session AS t (tenant, id, opened, number, station, evse, connector, transaction_id, token_ref, token_masked,
        state, phase, started_at, ended_at, energy_wh, stop_reason, cost, unpriced, cdr, anomalies, updated_at, transaction,
        actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, nextval('session_opened'), r.number,
        r.station, r.evse, r.connector, r.transaction_id, r.token_ref, r.token_masked, r.state, r.phase, r.started_at,
        r.ended_at, r.energy_wh, r.stop_reason, r.cost, r.unpriced, r.cdr, r.anomalies, r.updated_at,
        r.transaction, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, number integer, station text, evse integer, connector integer,
            transaction_id text, token_ref text, token_masked text, state text, phase text, started_at timestamptz,
            ended_at timestamptz, energy_wh bigint, stop_reason text, cost json, unpriced boolean, cdr text,
            anomalies text[], updated_at timestamptz, transaction json)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET number = excluded.number, station = excluded.station, evse = excluded.evse,
        connector = excluded.connector, transaction_id = excluded.transaction_id, token_ref = excluded.token_ref,
        token_masked = excluded.token_masked, state = excluded.state, phase = excluded.phase,
        started_at = excluded.started_at, ended_at = excluded.ended_at, energy_wh = excluded.energy_wh,
        stop_reason = excluded.stop_reason, cost = excluded.cost, unpriced = excluded.unpriced, cdr = excluded.cdr,
        anomalies = excluded.anomalies, updated_at = excluded.updated_at,
        transaction = excluded.transaction, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
