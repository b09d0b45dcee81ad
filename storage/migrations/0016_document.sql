-- Fiscal documents (actors/model/documents.py) and their numbers. A number is given in the very transaction of the turn that
-- issues the document, from a counter per legal entity, kind and year whose row stays locked until that transaction ends: what is
-- rolled back has used up no number, so there are no gaps. Nothing of a document ever changes.

CREATE TABLE document_series (
    tenant  text COLLATE "C" NOT NULL,
    series  text COLLATE "C" NOT NULL,
    last    bigint NOT NULL,
    PRIMARY KEY (tenant, series)
) WITH (fillfactor = 10);

CREATE TABLE document (
    tenant       text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    seller       text COLLATE "C" NOT NULL,
    kind         text NOT NULL,
    series       text COLLATE "C" NOT NULL,
    number       bigint NOT NULL,
    at           timestamptz NOT NULL,
    ref          text COLLATE "C" NOT NULL,
    customer     text COLLATE "C" NOT NULL,
    currency     text NOT NULL,
    gross_minor  bigint NOT NULL,
    body         json NOT NULL,
    corrects     text COLLATE "C",
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, series, number)
);
CREATE INDEX document_at ON document (tenant COLLATE "POSIX", at, id);
CREATE INDEX document_ref ON document (ref, tenant);
CREATE INDEX document_customer ON document (customer, tenant, at) WHERE customer <> '';

CREATE FUNCTION document_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'documents are append only: % refused; correct one by a credit note', TG_OP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document FOR EACH STATEMENT EXECUTE FUNCTION document_stays();

CREATE FUNCTION write_document(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    reasons text[];
BEGIN
    -- The counters first, in order, so that nobody else numbers while it is decided here what is new.
    INSERT INTO document_series (tenant, series, last)
    SELECT DISTINCT r.tenant, r.series, 0 FROM unnest(bodies) AS b (body), json_to_record(b.body) AS r (tenant text, series text)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    PERFORM FROM document_series s
    WHERE (s.tenant, s.series) IN (SELECT b.body ->> 'tenant', b.body ->> 'series' FROM unnest(bodies) AS b (body))
    ORDER BY s.tenant, s.series FOR UPDATE;

    SELECT array_agg(CASE WHEN d.body::jsonb <> r.body OR d.series <> r.series OR first.body::jsonb <> r.body
            THEN format('document %s exists with other content', r.id) END ORDER BY b.n) INTO reasons
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n)
    CROSS JOIN LATERAL json_to_record(b.body) AS r (tenant text, id text, series text, body jsonb)
    LEFT JOIN document d ON (d.tenant, d.id) = (r.tenant, r.id)
    LEFT JOIN LATERAL (SELECT f.body -> 'body' AS body FROM unnest(bodies) WITH ORDINALITY AS f (body, n)
        WHERE f.n < b.n AND (f.body ->> 'tenant', f.body ->> 'id') = (r.tenant, r.id) ORDER BY f.n LIMIT 1) first ON true;
    IF cardinality(array_remove(reasons, NULL)) > 0 THEN
        RETURN reasons;
    END IF;

    WITH fresh AS MATERIALIZED (
        SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.*, b.n
        FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
            json_to_record(b.body) AS r (tenant text, id text, seller text, kind text, series text, at timestamptz, ref text,
                customer text, currency text, gross_minor bigint, body json, corrects text)
        WHERE NOT EXISTS (SELECT FROM document d WHERE (d.tenant, d.id) = (r.tenant, r.id))
        ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n
    ), counted AS (
        UPDATE document_series s SET last = s.last + c.more
        FROM (SELECT tenant, series, count(*) AS more FROM fresh GROUP BY 1, 2) c
        WHERE (s.tenant, s.series) = (c.tenant, c.series)
        RETURNING s.tenant, s.series, s.last - c.more AS before
    )
    INSERT INTO document (tenant, id, seller, kind, series, number, at, ref, customer, currency, gross_minor, body, corrects)
    SELECT f.tenant, f.id, f.seller, f.kind, f.series,
        c.before + row_number() OVER (PARTITION BY f.tenant, f.series ORDER BY f.n),
        f.at, f.ref, f.customer, f.currency, f.gross_minor, f.body, f.corrects
    FROM fresh f JOIN counted c ON (c.tenant, c.series) = (f.tenant, f.series);
    RETURN NULL;
END $$;
