-- A session has one CDR that bills it and, once an operator credited it, one that takes it back.

ALTER TABLE cdr ADD COLUMN credit boolean NOT NULL DEFAULT false;
ALTER TABLE cdr DROP CONSTRAINT cdr_session_tenant_key;
ALTER TABLE cdr ADD UNIQUE (session, tenant, credit);

CREATE OR REPLACE FUNCTION write_cdr(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    reasons text[];
    fresh   integer;
BEGIN
    INSERT INTO cdr (tenant, id, session, journal, at, body, credit)
    SELECT r.tenant, r.id, r.session, r.journal, r.at, r.body, coalesce(r.body ->> 'credit' = 'true', false)
    FROM unnest(bodies) AS b (body),
        json_to_record(b.body) AS r (tenant text, id text, session text, journal text, at timestamptz, body json)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C"
    ON CONFLICT DO NOTHING;
    -- All were new: to read them back and compare would cost more than to write them.
    GET DIAGNOSTICS fresh = ROW_COUNT;
    IF fresh = cardinality(bodies) THEN
        RETURN array_fill(NULL::text, ARRAY[fresh]);
    END IF;
    SELECT array_agg(CASE
            WHEN k.id IS NULL THEN format('session %s has CDR %s already', r.session,
                (SELECT o.id FROM cdr o WHERE o.tenant = r.tenant AND o.session = r.session
                    AND o.credit = coalesce(r.body ->> 'credit' = 'true', false)))
            WHEN k.session <> r.session OR k.body::jsonb <> r.body THEN format('CDR %s exists with other content', r.id)
        END ORDER BY b.n) INTO reasons
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n)
    CROSS JOIN LATERAL json_to_record(b.body) AS r (tenant text, id text, session text, body jsonb)
    LEFT JOIN cdr k ON k.tenant = r.tenant AND k.id = r.id;
    RETURN reasons;
END $$;
