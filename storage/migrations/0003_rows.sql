-- Read models, natural keys, the vault, the inbox, the audit log: where the rows of actors/model/rows go, and the
-- write_<kind> functions that the commit calls for them (see storage/rows.py for the agreement).
--
-- A read model row carries the actor that wrote it and that actor's turn number. An upsert applies only when it is
-- newer; turn numbers of different actors say nothing of each other, so another actor's row always replaces it.
-- Rows of the sink gate nothing and come with actor 0.
--
-- Beside its key no index of a table begins with the tenant as it is (0002 says why): those of lists have a collation
-- of their own, which only the queries of lists name.
--
-- `changed` marks rows of which every node keeps a card in memory: nodes read what changed above the horizon of their
-- last look. It moves only when something moved that a card shows, so a boot storm wakes nobody.

CREATE TABLE installation (
    key    text COLLATE "C" PRIMARY KEY,
    value  bytea NOT NULL
);
COMMENT ON TABLE installation IS 'Facts of the whole installation, such as the fingerprint of the deployment key.';

CREATE TABLE tenant (
    tenant            text COLLATE "C" PRIMARY KEY,
    name              text NOT NULL,
    currency          text NOT NULL,
    country           text NOT NULL,
    time_zone         text NOT NULL,
    unknown_stations  text NOT NULL,
    settings          jsonb NOT NULL,
    created_at        timestamptz NOT NULL,
    deleted           boolean NOT NULL,
    actor             bigint NOT NULL,
    applied_seq       bigint NOT NULL,
    changed           xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX tenant_changed ON tenant (changed);

CREATE TABLE token (
    tenant       text COLLATE "C" NOT NULL,
    ref          text COLLATE "C" NOT NULL,
    type         text NOT NULL,
    status       text NOT NULL,
    masked       text NOT NULL,
    group_ref    text,
    expires      timestamptz,
    payment      text NOT NULL,
    deleted      boolean NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant, ref)
);
CREATE INDEX token_changed ON token (changed);

CREATE TABLE tariff (
    tenant       text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    version      integer NOT NULL,
    valid_from   timestamptz NOT NULL,
    fingerprint  text NOT NULL,
    currency     text NOT NULL,
    body         json NOT NULL,
    deleted      boolean NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant, id, version)
);
CREATE INDEX tariff_changed ON tariff (changed);

CREATE TABLE station (
    tenant       text COLLATE "C" NOT NULL,
    station      text COLLATE "C" NOT NULL,
    registered   boolean NOT NULL,
    evses        integer NOT NULL,
    profile      integer NOT NULL,
    auth         bytea,
    versions     text[] NOT NULL,
    tariff       text,
    location     jsonb NOT NULL,
    boot         jsonb,
    updated_at   timestamptz NOT NULL,
    deleted      boolean NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant, station)
) WITH (fillfactor = 70);
CREATE INDEX station_changed ON station (changed);

CREATE TABLE seen (
    tenant      text COLLATE "C" NOT NULL,
    station     text COLLATE "C" NOT NULL,
    online      boolean NOT NULL,
    protocol    text,
    since       timestamptz NOT NULL,
    generation  bigint NOT NULL,
    last_seen   timestamptz NOT NULL,
    PRIMARY KEY (tenant, station)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE evse (
    tenant       text COLLATE "C" NOT NULL,
    station      text COLLATE "C" NOT NULL,
    evse         integer NOT NULL,
    code         text COLLATE "C" NOT NULL,
    status       text NOT NULL,
    detail       text NOT NULL,
    connectors   jsonb NOT NULL,
    session      text,
    updated_at   timestamptz NOT NULL,
    actor        bigint NOT NULL,
    applied_seq  bigint NOT NULL,
    PRIMARY KEY (tenant, station, evse)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX evse_code ON evse (code, tenant) WHERE code <> '';

CREATE TABLE variable (
    tenant              text COLLATE "C" NOT NULL,
    station             text COLLATE "C" NOT NULL,
    component           text COLLATE "C" NOT NULL,
    component_instance  text COLLATE "C",
    variable            text COLLATE "C" NOT NULL,
    variable_instance   text COLLATE "C",
    evse                integer,
    connector           integer,
    attributes          jsonb NOT NULL,
    characteristics     jsonb,
    key_1_6             text,
    actor               bigint NOT NULL,
    applied_seq         bigint NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX variable_key ON variable (tenant, station, component, coalesce(component_instance, ''), variable,
    coalesce(variable_instance, ''), coalesce(evse, -1), coalesce(connector, -1));

-- `opened` is the order in which sessions first appeared.
CREATE SEQUENCE session_opened;
CREATE TABLE session (
    tenant          text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    opened          bigint NOT NULL,
    number          integer NOT NULL,
    station         text COLLATE "C" NOT NULL,
    evse            integer NOT NULL,
    connector       integer NOT NULL,
    transaction_id  text NOT NULL,
    token_ref       text,
    token_masked    text,
    state           text COLLATE "C" NOT NULL,
    phase           text NOT NULL,
    started_at      timestamptz,
    ended_at        timestamptz,
    energy_wh       bigint,
    stop_reason     text,
    cost            json,
    unpriced        boolean NOT NULL,
    cdr             text COLLATE "C",
    anomalies       text[] NOT NULL,
    updated_at      timestamptz NOT NULL,
    actor           bigint NOT NULL,
    applied_seq     bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 60);
CREATE INDEX session_opened_in ON session (tenant COLLATE "POSIX", opened);
CREATE INDEX session_of_station ON session (station, tenant, opened);
CREATE INDEX session_open ON session (station, tenant) WHERE state = 'active';

-- The natural key of a 1.6 transaction: its number, unique over the installation and never used again.
CREATE SEQUENCE transaction_number AS integer START 1001 INCREMENT 1000 MAXVALUE 2147482001 NO CYCLE;
COMMENT ON SEQUENCE transaction_number IS
    'Hands out blocks: a value n reserves n .. n+999. After a restore to an earlier point, move it ahead (jump_numbers).';
CREATE TABLE number (
    number   integer PRIMARY KEY,
    tenant   text COLLATE "C" NOT NULL,
    station  text COLLATE "C" NOT NULL,
    session  text COLLATE "C" NOT NULL
);
CREATE INDEX number_session ON number (session, tenant);

CREATE FUNCTION jump_numbers() RETURNS integer LANGUAGE sql AS $$
    SELECT setval('transaction_number',
        greatest((SELECT last_value FROM transaction_number), coalesce((SELECT max(number) FROM number), 0)) / 1000 * 1000
            + 1000001)::integer
$$;
COMMENT ON FUNCTION jump_numbers IS
    'To be called after a restore to an earlier point in time: numbers given out after that point must not come again, or a late stop would close somebody else''s session. Leaves a million unused.';

CREATE TABLE cdr (
    tenant       text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    session      text COLLATE "C" NOT NULL,
    journal      text COLLATE "C",
    at           timestamptz NOT NULL,
    body         json NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (session, tenant)
);
CREATE INDEX cdr_at ON cdr (tenant COLLATE "POSIX", at, id);

CREATE TABLE inbox (
    tenant      text COLLATE "C" NOT NULL,
    station     text COLLATE "C" NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    attempts    bigint NOT NULL,
    protocol    text,
    peer        text NOT NULL,
    state       text NOT NULL,
    PRIMARY KEY (tenant, station)
);

CREATE TABLE audit_log (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant   text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    who      text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL,
    detail   jsonb NOT NULL
);
CREATE INDEX audit_log_tenant ON audit_log (tenant, id);

-- Sealed personal values, and apart from them the keys that open them: deleting a subject's keys is erasure.
CREATE TABLE vault (
    tenant  text COLLATE "C" NOT NULL,
    ref     text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    blind   bytea NOT NULL,
    cell    bytea NOT NULL,
    PRIMARY KEY (tenant, ref, kind)
);
CREATE INDEX vault_blind ON vault (blind, tenant, kind);
CREATE TABLE vault_key (
    tenant  text COLLATE "C" NOT NULL,
    ref     text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    key     bytea NOT NULL,
    PRIMARY KEY (tenant, ref, kind)
);

CREATE TABLE api_token (
    id          text COLLATE "C" PRIMARY KEY,
    tenant      text COLLATE "C",
    name        text NOT NULL,
    role        text NOT NULL,
    hash        bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL,
    expires     timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX api_token_tenant ON api_token (tenant);

-- After a dump and restore transaction ids begin anew: marks from before would count as changed for ever.
CREATE FUNCTION mend_changed() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    beyond xid8 := pg_snapshot_xmax(pg_current_snapshot());
BEGIN
    UPDATE tenant SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE token SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE tariff SET changed = pg_current_xact_id() WHERE changed > beyond;
    UPDATE station SET changed = pg_current_xact_id() WHERE changed > beyond;
END $$;

-- Writers -----------------------------------------------------------------------------------------------------

CREATE FUNCTION write_tenant(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tenant AS t (tenant, name, currency, country, time_zone, unknown_stations, settings, created_at, deleted,
        actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C") r.tenant, r.name, r.currency, r.country, r.time_zone, r.unknown_stations,
        r.settings, r.created_at, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, name text, currency text, country text, time_zone text,
            unknown_stations text, settings jsonb, created_at timestamptz, deleted boolean)
    ORDER BY r.tenant COLLATE "C", b.n DESC
    ON CONFLICT (tenant) DO UPDATE SET name = excluded.name, currency = excluded.currency, country = excluded.country,
        time_zone = excluded.time_zone, unknown_stations = excluded.unknown_stations, settings = excluded.settings,
        deleted = excluded.deleted, actor = excluded.actor, applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE FUNCTION write_token(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token AS t (tenant, ref, type, status, masked, group_ref, expires, payment, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.ref COLLATE "C") r.tenant, r.ref, r.type, r.status, r.masked, r.group_ref,
        r.expires, r.payment, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, ref text, type text, status text, masked text, group_ref text,
            expires timestamptz, payment text, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.ref COLLATE "C", b.n DESC
    ON CONFLICT (tenant, ref) DO UPDATE SET type = excluded.type, status = excluded.status, masked = excluded.masked,
        group_ref = excluded.group_ref, expires = excluded.expires, payment = excluded.payment, deleted = excluded.deleted,
        actor = excluded.actor, applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- A deleted tariff takes all its versions along; sessions have frozen theirs.
CREATE FUNCTION write_tariff(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tariff AS t (tenant, id, version, valid_from, fingerprint, currency, body, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C", r.version) r.tenant, r.id, r.version, r.valid_from,
        r.fingerprint, r.currency, r.body, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, version integer, valid_from timestamptz, fingerprint text,
            currency text, body json, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", r.version, b.n DESC
    ON CONFLICT (tenant, id, version) DO UPDATE SET valid_from = excluded.valid_from, fingerprint = excluded.fingerprint,
        currency = excluded.currency, body = excluded.body, deleted = excluded.deleted, actor = excluded.actor,
        applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    UPDATE tariff t SET deleted = true, changed = pg_current_xact_id()
    FROM unnest(bodies) AS b (body), json_to_record(b.body) AS r (tenant text, id text, version integer, deleted boolean)
    WHERE r.deleted AND t.tenant = r.tenant AND t.id = r.id AND t.version <= r.version AND NOT t.deleted;
    RETURN NULL;
END $$;

CREATE FUNCTION write_station(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO station AS t (tenant, station, registered, evses, profile, auth, versions, tariff, location, boot,
        updated_at, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C") r.tenant, r.station, r.registered, r.evses, r.profile,
        decode(r.auth, 'base64'), r.versions, r.tariff, r.location, r.boot, r.updated_at, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, registered boolean, evses integer, profile integer,
            auth text, versions text[], tariff text, location jsonb, boot jsonb, updated_at timestamptz, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", b.n DESC
    ON CONFLICT (tenant, station) DO UPDATE SET registered = excluded.registered, evses = excluded.evses,
        profile = excluded.profile, auth = excluded.auth, versions = excluded.versions, tariff = excluded.tariff,
        location = excluded.location, boot = excluded.boot, updated_at = excluded.updated_at, deleted = excluded.deleted,
        actor = excluded.actor, applied_seq = excluded.applied_seq,
        changed = CASE WHEN (t.registered, t.evses, t.profile, t.auth, t.versions, t.tariff, t.location, t.deleted)
            IS DISTINCT FROM (excluded.registered, excluded.evses, excluded.profile, excluded.auth, excluded.versions,
                excluded.tariff, excluded.location, excluded.deleted)
            THEN excluded.changed ELSE t.changed END
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- Of two connections the one with the higher generation speaks, unless the other began later (a restarted node).
CREATE FUNCTION write_seen(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen AS t (tenant, station, online, protocol, since, generation, last_seen)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C") r.tenant, r.station, r.online, r.protocol, r.since,
        r.generation, r.last_seen
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
        json_to_record(b.body) AS r (tenant text, station text, online boolean, protocol text, since timestamptz,
            generation bigint, last_seen timestamptz)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", b.n DESC
    ON CONFLICT (tenant, station) DO UPDATE SET online = excluded.online, protocol = excluded.protocol,
        since = excluded.since, generation = excluded.generation, last_seen = excluded.last_seen
    WHERE t.generation <= excluded.generation OR t.since < excluded.since;
    RETURN NULL;
END $$;

CREATE FUNCTION write_evse(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evse AS t (tenant, station, evse, code, status, detail, connectors, session, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C", r.evse) r.tenant, r.station, r.evse, r.code, r.status,
        r.detail, r.connectors, r.session, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, evse integer, code text, status text, detail text,
            connectors jsonb, session text, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.evse, b.n DESC
    ON CONFLICT (tenant, station, evse) DO UPDATE SET code = excluded.code, status = excluded.status,
        detail = excluded.detail, connectors = excluded.connectors, session = excluded.session,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE FUNCTION write_variable(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO variable AS t (tenant, station, component, component_instance, variable, variable_instance, evse, connector,
        attributes, characteristics, key_1_6, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C", r.component COLLATE "C",
            coalesce(r.component_instance, '') COLLATE "C", r.variable COLLATE "C",
            coalesce(r.variable_instance, '') COLLATE "C", coalesce(r.evse, -1), coalesce(r.connector, -1))
        r.tenant, r.station, r.component, r.component_instance, r.variable, r.variable_instance, r.evse, r.connector,
        r.attributes, r.characteristics, r.key_1_6, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, component text, component_instance text, variable text,
            variable_instance text, evse integer, connector integer, attributes jsonb, characteristics jsonb, key_1_6 text)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.component COLLATE "C",
        coalesce(r.component_instance, '') COLLATE "C", r.variable COLLATE "C",
        coalesce(r.variable_instance, '') COLLATE "C", coalesce(r.evse, -1), coalesce(r.connector, -1), b.n DESC
    ON CONFLICT (tenant, station, component, coalesce(component_instance, ''), variable, coalesce(variable_instance, ''),
        coalesce(evse, -1), coalesce(connector, -1)) DO UPDATE
    SET attributes = excluded.attributes, characteristics = coalesce(excluded.characteristics, t.characteristics),
        key_1_6 = coalesce(excluded.key_1_6, t.key_1_6), actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE FUNCTION write_session(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session AS t (tenant, id, opened, number, station, evse, connector, transaction_id, token_ref, token_masked,
        state, phase, started_at, ended_at, energy_wh, stop_reason, cost, unpriced, cdr, anomalies, updated_at, actor,
        applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, nextval('session_opened'), r.number,
        r.station, r.evse, r.connector, r.transaction_id, r.token_ref, r.token_masked, r.state, r.phase, r.started_at,
        r.ended_at, r.energy_wh, r.stop_reason, r.cost, r.unpriced, r.cdr, r.anomalies, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, number integer, station text, evse integer, connector integer,
            transaction_id text, token_ref text, token_masked text, state text, phase text, started_at timestamptz,
            ended_at timestamptz, energy_wh bigint, stop_reason text, cost json, unpriced boolean, cdr text,
            anomalies text[], updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET number = excluded.number, station = excluded.station, evse = excluded.evse,
        connector = excluded.connector, transaction_id = excluded.transaction_id, token_ref = excluded.token_ref,
        token_masked = excluded.token_masked, state = excluded.state, phase = excluded.phase,
        started_at = excluded.started_at, ended_at = excluded.ended_at, energy_wh = excluded.energy_wh,
        stop_reason = excluded.stop_reason, cost = excluded.cost, unpriced = excluded.unpriced, cdr = excluded.cdr,
        anomalies = excluded.anomalies, updated_at = excluded.updated_at, actor = excluded.actor,
        applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE FUNCTION write_number(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    reasons text[];
    fresh   integer;
BEGIN
    INSERT INTO number (number, tenant, station, session)
    SELECT r.number, r.tenant, r.station, r.session FROM unnest(bodies) AS b (body),
        json_to_record(b.body) AS r (number integer, tenant text, station text, session text)
    ORDER BY r.number
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS fresh = ROW_COUNT;
    IF fresh = cardinality(bodies) THEN
        RETURN array_fill(NULL::text, ARRAY[fresh]);
    END IF;
    SELECT array_agg(CASE WHEN (k.tenant, k.session) IS DISTINCT FROM (r.tenant, r.session)
        THEN format('number %s belongs to session %s', r.number, k.session) END ORDER BY b.n) INTO reasons
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n)
    CROSS JOIN LATERAL json_to_record(b.body) AS r (number integer, tenant text, session text)
    LEFT JOIN number k ON k.number = r.number;
    RETURN reasons;
END $$;

CREATE FUNCTION write_cdr(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    reasons text[];
    fresh   integer;
BEGIN
    INSERT INTO cdr (tenant, id, session, journal, at, body)
    SELECT r.tenant, r.id, r.session, r.journal, r.at, r.body FROM unnest(bodies) AS b (body),
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
                (SELECT o.id FROM cdr o WHERE o.tenant = r.tenant AND o.session = r.session))
            WHEN k.session <> r.session OR k.body::jsonb <> r.body THEN format('CDR %s exists with other content', r.id)
        END ORDER BY b.n) INTO reasons
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n)
    CROSS JOIN LATERAL json_to_record(b.body) AS r (tenant text, id text, session text, body jsonb)
    LEFT JOIN cdr k ON k.tenant = r.tenant AND k.id = r.id;
    RETURN reasons;
END $$;

CREATE FUNCTION write_journal(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT array_agg(CASE WHEN p.status NOT IN ('posted', 'repeated')
            THEN format('journal %s: %s: %s', bodies[p.n] ->> 'id', p.status, p.detail) END ORDER BY p.n)
        FROM ledger_post(array_to_json(bodies)::jsonb) p);
END $$;

CREATE FUNCTION write_event(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (tenant, at, kind, subject, body)
    SELECT r.tenant, r.at, r.kind, r.subject, r.body FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
        json_to_record(b.body) AS r (tenant text, at timestamptz, kind text, subject text, body json)
    ORDER BY b.n;
    RETURN NULL;
END $$;

-- The sink adds up knocks (actor 0); an actor's row settles what became of the station.
CREATE FUNCTION write_inbox(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox AS t (tenant, station, first_seen, last_seen, attempts, protocol, peer, state)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C") r.tenant, r.station, r.first_seen, r.last_seen,
        r.attempts, r.protocol, r.peer, r.state
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
        json_to_record(b.body) AS r (tenant text, station text, first_seen timestamptz, last_seen timestamptz,
            attempts bigint, protocol text, peer text, state text)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", b.n DESC
    ON CONFLICT (tenant, station) DO UPDATE SET first_seen = least(t.first_seen, excluded.first_seen),
        last_seen = greatest(t.last_seen, excluded.last_seen), state = excluded.state, peer = excluded.peer,
        protocol = coalesce(excluded.protocol, t.protocol),
        attempts = CASE WHEN excluded.state = 'waiting' THEN t.attempts + excluded.attempts ELSE t.attempts END;
    RETURN NULL;
END $$;

CREATE FUNCTION write_audit(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (tenant, at, who, action, subject, detail)
    SELECT r.tenant, r.at, r.who, r.action, r.subject, r.detail FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
        json_to_record(b.body) AS r (tenant text, at timestamptz, who text, action text, subject text, detail jsonb)
    ORDER BY b.n;
    RETURN NULL;
END $$;

CREATE FUNCTION write_vault(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    WITH sealed AS (
        SELECT DISTINCT ON (r.tenant COLLATE "C", r.ref COLLATE "C", r.kind COLLATE "C") r.tenant, r.ref, r.kind,
            decode(r.blind, 'base64') AS blind, decode(r.cell, 'base64') AS cell, decode(r.key, 'base64') AS key
        FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
            json_to_record(b.body) AS r (tenant text, ref text, kind text, blind text, cell text, key text)
        WHERE r.key <> ''
        ORDER BY r.tenant COLLATE "C", r.ref COLLATE "C", r.kind COLLATE "C", b.n DESC
    ), keys AS (
        INSERT INTO vault_key (tenant, ref, kind, key) SELECT s.tenant, s.ref, s.kind, s.key FROM sealed s
        ON CONFLICT (tenant, ref, kind) DO UPDATE SET key = excluded.key
    )
    INSERT INTO vault (tenant, ref, kind, blind, cell) SELECT s.tenant, s.ref, s.kind, s.blind, s.cell FROM sealed s
    ON CONFLICT (tenant, ref, kind) DO UPDATE SET blind = excluded.blind, cell = excluded.cell;
    RETURN NULL;
END $$;
