-- What stations were seen to do that no specification says: one row a station and quirk, added up by the sink. The first of its
-- kind is an event, in the same statement, so that it is told once however often nodes restart.
-- What a station said it is at its boot is news to the cards of other nodes, since it decides which quirks it has.

CREATE TABLE quirk (
    tenant    text COLLATE "C" NOT NULL,
    station   text COLLATE "C" NOT NULL,
    quirk     text COLLATE "C" NOT NULL,
    tier      text NOT NULL,
    count     bigint NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, station, quirk)
) WITH (fillfactor = 80);

CREATE FUNCTION write_quirk(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    WITH written AS (
        INSERT INTO quirk AS t (tenant, station, quirk, tier, count, first_at, last_at)
        SELECT r.tenant, r.station, r.quirk, max(r.tier), sum(r.count), min(r.first_at), max(r.last_at)
        FROM unnest(bodies) AS b (body),
            json_to_record(b.body) AS r (tenant text, station text, quirk text, tier text, count bigint,
                first_at timestamptz, last_at timestamptz)
        GROUP BY r.tenant, r.station, r.quirk
        ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.quirk COLLATE "C"
        ON CONFLICT (tenant, station, quirk) DO UPDATE SET count = t.count + excluded.count, tier = excluded.tier,
            last_at = greatest(t.last_at, excluded.last_at)
        RETURNING t.tenant, t.station, t.quirk, t.tier, t.first_at, t.xmax = 0 AS is_new
    )
    INSERT INTO event (tenant, at, kind, subject, body)
    SELECT w.tenant, w.first_at, 'station.quirk', w.station, json_build_object('quirk', w.quirk, 'tier', w.tier)
    FROM written w WHERE w.is_new;
    RETURN NULL;
END $$;

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
                t.auth_next, t.profile_next, t.serial, t.boot->>'vendor', t.boot->>'model', t.boot->>'firmware')
            IS DISTINCT FROM (excluded.registered, excluded.evses, excluded.profile, excluded.auth, excluded.versions,
                excluded.tariff, excluded.location, excluded.deleted, excluded.auth_next, excluded.profile_next,
                excluded.serial, excluded.boot->>'vendor', excluded.boot->>'model', excluded.boot->>'firmware')
            THEN excluded.changed ELSE t.changed END
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
