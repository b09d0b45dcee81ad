-- What a tenant has arranged with a token besides (actors/model/token.TokenTerms): where it may charge, its driver's languages,
-- its priority. NULL for most.

ALTER TABLE token ADD COLUMN terms json;

CREATE OR REPLACE FUNCTION write_token(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token AS t (tenant, ref, type, status, masked, group_ref, expires, payment, terms, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.ref COLLATE "C") r.tenant, r.ref, r.type, r.status, r.masked, r.group_ref,
        r.expires, r.payment, r.terms, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, ref text, type text, status text, masked text, group_ref text,
            expires timestamptz, payment text, terms json, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.ref COLLATE "C", b.n DESC
    ON CONFLICT (tenant, ref) DO UPDATE SET type = excluded.type, status = excluded.status, masked = excluded.masked,
        group_ref = excluded.group_ref, expires = excluded.expires, payment = excluded.payment, terms = excluded.terms,
        deleted = excluded.deleted, actor = excluded.actor, applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
