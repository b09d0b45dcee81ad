-- What stations were seen to do that no specification says: one row a station and quirk, added up by the sink. The first of its
-- kind is an event, in the same statement, so that it is told once however often nodes restart.

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
