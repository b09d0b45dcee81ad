-- Whom a tenant trusts (its own CA, others, what was revoked), and what admission must know of a station while its password or
-- its security profile changes: the next password, the next profile, and the serial number that its certificate must name.

CREATE TABLE authority (
    tenant       text COLLATE "C" PRIMARY KEY,
    chain        jsonb NOT NULL,
    trusted      jsonb NOT NULL,
    revoked      jsonb NOT NULL,
    updated_at   timestamptz NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    changed      xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX authority_changed ON authority (changed);

CREATE FUNCTION write_authority(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO authority AS t (tenant, chain, trusted, revoked, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C") r.tenant, r.chain, r.trusted, r.revoked, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, chain jsonb, trusted jsonb, revoked jsonb, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", b.n DESC
    ON CONFLICT (tenant) DO UPDATE SET chain = excluded.chain, trusted = excluded.trusted, revoked = excluded.revoked,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq,
        changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

ALTER TABLE station ADD COLUMN auth_next bytea, ADD COLUMN profile_next integer NOT NULL DEFAULT 0, ADD COLUMN serial text;

CREATE OR REPLACE FUNCTION write_station(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO station AS t (tenant, station, registered, evses, profile, auth, versions, tariff, location, boot,
        updated_at, deleted, auth_next, profile_next, serial, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C") r.tenant, r.station, r.registered, r.evses, r.profile,
        decode(r.auth, 'base64'), r.versions, r.tariff, r.location, r.boot, r.updated_at, r.deleted,
        decode(r.auth_next, 'base64'), r.profile_next, r.serial, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, registered boolean, evses integer, profile integer,
            auth text, versions text[], tariff text, location jsonb, boot jsonb, updated_at timestamptz, deleted boolean,
            auth_next text, profile_next integer, serial text)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", b.n DESC
    ON CONFLICT (tenant, station) DO UPDATE SET registered = excluded.registered, evses = excluded.evses,
        profile = excluded.profile, auth = excluded.auth, versions = excluded.versions, tariff = excluded.tariff,
        location = excluded.location, boot = excluded.boot, updated_at = excluded.updated_at, deleted = excluded.deleted,
        auth_next = excluded.auth_next, profile_next = excluded.profile_next, serial = excluded.serial,
        actor = excluded.actor, applied_seq = excluded.applied_seq,
        changed = CASE WHEN (t.registered, t.evses, t.profile, t.auth, t.versions, t.tariff, t.location, t.deleted,
                t.auth_next, t.profile_next, t.serial)
            IS DISTINCT FROM (excluded.registered, excluded.evses, excluded.profile, excluded.auth, excluded.versions,
                excluded.tariff, excluded.location, excluded.deleted, excluded.auth_next, excluded.profile_next,
                excluded.serial)
            THEN excluded.changed ELSE t.changed END
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION mend_changed() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    beyond xid8 := pg_snapshot_xmax(pg_current_snapshot());
BEGIN
    UPDATE tenant SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE token SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE tariff SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE station SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE authority SET changed = pg_current_xact_id() WHERE changed > beyond;
END $$;
