-- What the runtime keeps of its actors: heads and facts with the fence, checkpoints, letters, timers, the outbox and
-- dead letters, the event feed and traces. Tenant first in every key; actors are interned as bigints. SQL of
-- PostgreSQL 14.

CREATE TABLE actor (
    key     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant  text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    UNIQUE (tenant, kind, id)
);

-- The fence. `turn` is the id of the turn that moved the head to `seq`. `behind_since` is the least time of the turns
-- after the last checkpoint, so that recovery looks for facts in the partitions since then only.
CREATE TABLE head (
    tenant        text COLLATE "C" NOT NULL,
    actor         bigint NOT NULL,
    seq           bigint NOT NULL,
    turn          bytea NOT NULL,
    epoch         bigint NOT NULL DEFAULT 0,
    behind_since  timestamptz,
    PRIMARY KEY (tenant, actor)
) PARTITION BY HASH (actor);

DO $$
BEGIN
    FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE head_%s PARTITION OF head FOR VALUES WITH (MODULUS 8, REMAINDER %s)
            WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)', i, i);
    END LOOP;
END $$;

-- One row per fact; `seq` is the number of its turn. The body is kept byte for byte: json, not jsonb.
CREATE TABLE fact (
    tenant       text COLLATE "C" NOT NULL,
    actor        bigint NOT NULL,
    seq          bigint NOT NULL,
    n            integer NOT NULL,
    at           timestamptz NOT NULL,
    type         text COLLATE "C" NOT NULL,
    version      integer NOT NULL,
    correlation  text COLLATE "C" NOT NULL,
    body         json NOT NULL,
    PRIMARY KEY (tenant, actor, seq, n, at)
) PARTITION BY RANGE (at);
CREATE TABLE fact_default PARTITION OF fact DEFAULT;

-- Facts in bulk, meter readings above all: the same shape, kept by day so that they can be dropped by day.
CREATE TABLE meter (LIKE fact INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE meter_default PARTITION OF meter DEFAULT;

CREATE TABLE checkpoint (
    tenant   text COLLATE "C" NOT NULL,
    actor    bigint NOT NULL,
    seq      bigint NOT NULL,
    at       timestamptz NOT NULL,
    version  integer NOT NULL,
    body     json NOT NULL,
    PRIMARY KEY (tenant, actor)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- `id` orders letters as their turns were written; `sent_at` is the sender's time. The tenant is the receiver's.
CREATE TABLE letter (
    tenant    text COLLATE "C" NOT NULL,
    receiver  bigint NOT NULL,
    sender    bigint NOT NULL,
    from_seq  bigint NOT NULL,
    n         integer NOT NULL,
    id        bigint GENERATED ALWAYS AS IDENTITY,
    sent_at   timestamptz NOT NULL,
    body      json NOT NULL,
    PRIMARY KEY (tenant, receiver, sender, from_seq, n)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX letter_sent_at ON letter (sent_at);

CREATE TABLE timer (
    tenant  text COLLATE "C" NOT NULL,
    actor   bigint NOT NULL,
    name    text COLLATE "C" NOT NULL,
    due     timestamptz NOT NULL,
    body    json NOT NULL,
    PRIMARY KEY (tenant, actor, name)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX timer_due ON timer (due);

-- Open effects; the turn that settles one deletes it. `due` is when a worker may take a "redeliver" effect: the end
-- of the lease of one that was taken.
CREATE TABLE outbox (
    tenant     text COLLATE "C" NOT NULL,
    actor      bigint NOT NULL,
    id         text COLLATE "C" NOT NULL,
    klass      text COLLATE "C" NOT NULL CHECK (klass IN ('redeliver', 'once')),
    topic      text COLLATE "C" NOT NULL,
    body       bytea NOT NULL,
    not_after  timestamptz,
    staged_at  timestamptz NOT NULL,
    attempt    integer NOT NULL DEFAULT 0,
    due        timestamptz NOT NULL DEFAULT now(),
    error      text,
    PRIMARY KEY (tenant, actor, id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_due ON outbox (topic, due) WHERE klass = 'redeliver';

CREATE TABLE dead_letter (
    id            text COLLATE "C" PRIMARY KEY,
    tenant        text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    actor         text COLLATE "C" NOT NULL,
    at            timestamptz NOT NULL,
    message_type  text NOT NULL,
    body          bytea NOT NULL,
    fingerprint   text NOT NULL,
    error         text NOT NULL,
    traceback     text NOT NULL,
    correlation   text NOT NULL,
    state         text NOT NULL DEFAULT 'open'
);
CREATE INDEX dead_letter_tenant ON dead_letter (tenant, at, id);
CREATE INDEX dead_letter_at ON dead_letter (at, id);

-- The event feed. The order of `id` is not the order of commits: readers take rows with
-- `xid < pg_snapshot_xmin(pg_current_snapshot())` in order of (xid, id), below which nothing can still appear.
CREATE SEQUENCE event_id;
CREATE TABLE event (
    tenant   text COLLATE "C" NOT NULL,
    xid      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id       bigint NOT NULL DEFAULT nextval('event_id'),
    written  timestamptz NOT NULL DEFAULT now(),
    at       timestamptz NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    body     json NOT NULL,
    PRIMARY KEY (tenant, xid, id, written)
) PARTITION BY RANGE (written);
CREATE INDEX event_order ON event (xid, id);
CREATE TABLE event_default PARTITION OF event DEFAULT;

-- OCPP frames as they went over the wire, redacted: a CALL of a station and our answer are one row, any other frame has
-- one of its own. `id` only tells apart what came in one microsecond, so sessions may take numbers in blocks.
CREATE SEQUENCE trace_id CACHE 500;
CREATE TABLE trace (
    tenant        text COLLATE "C" NOT NULL,
    station       text COLLATE "C" NOT NULL,
    at            timestamptz NOT NULL,
    id            bigint NOT NULL DEFAULT nextval('trace_id'),
    direction     text COLLATE "C" NOT NULL,
    protocol      text COLLATE "C" NOT NULL,
    message_type  text COLLATE "C" NOT NULL,
    action        text COLLATE "C" NOT NULL,
    unique_id     text COLLATE "C" NOT NULL,
    body          text NOT NULL,
    error         text,
    correlation   text COLLATE "C" NOT NULL,
    answered_at   timestamptz,
    answer_type   text COLLATE "C" NOT NULL,
    answer        text NOT NULL,
    answer_error  text,
    PRIMARY KEY (tenant, station, at, id)
) PARTITION BY RANGE (at);
CREATE TABLE trace_default PARTITION OF trace DEFAULT;

-- Which tables are cut by time, how far ahead, and how long a part is kept (NULL: until somebody drops it).
-- Whatever fits no part lands in the default one: nothing is refused for its time.
CREATE TABLE partition_rule (
    parent   text PRIMARY KEY,
    unit     text NOT NULL CHECK (unit IN ('month', 'day', 'hour')),
    ahead    integer NOT NULL,
    by_key   text NOT NULL,
    keep     interval
);
INSERT INTO partition_rule VALUES
    ('fact', 'month', 2, 'at', NULL),
    ('meter', 'day', 3, 'at', NULL),
    ('event', 'hour', 4, 'written', '48 hours'),
    ('trace', 'day', 2, 'at', '7 days');

-- Makes the parts of one table from the one of `moment` on, and drops those that are past their time. A row that
-- waits in the default part moves into its own. Answers how many parts were made or dropped.
CREATE FUNCTION keep_partitions(which text, moment timestamptz) RETURNS integer
LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
DECLARE
    rule    partition_rule;
    step    interval;
    low     timestamptz;
    part    text;
    done    integer := 0;
BEGIN
    SELECT * INTO STRICT rule FROM partition_rule WHERE parent = which;
    step := ('1 ' || rule.unit)::interval;
    FOR i IN 0..rule.ahead LOOP
        low := date_trunc(rule.unit, moment) + i * step;
        part := which || '_p' || to_char(low, 'YYYYMMDDHH24');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', which || '_default');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, which);
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= $1 AND %2$I < $2 RETURNING *)
            INSERT INTO %3$I SELECT * FROM moved', which || '_default', rule.by_key, part) USING low, low + step;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', which, part, low, low + step);
        done := done + 1;
    END LOOP;
    IF rule.keep IS NOT NULL THEN
        FOR part IN
            SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
            WHERE h.inhparent = which::regclass AND c.relname ~ '_p[0-9]{10}$'
              AND to_timestamp(right(c.relname, 10), 'YYYYMMDDHH24') + step < moment - rule.keep
        LOOP
            EXECUTE format('DROP TABLE %I', part);
            done := done + 1;
        END LOOP;
        EXECUTE format('DELETE FROM %I WHERE %I < $1', which || '_default', rule.by_key) USING moment - rule.keep;
    END IF;
    RETURN done;
END $$;

SELECT keep_partitions(parent, now()) FROM partition_rule;

-- Keys of actors, made where they are missing, in the order asked for.
CREATE FUNCTION intern_actors(tenants text[], kinds text[], ids text[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    keys bigint[];
BEGIN
    INSERT INTO actor (tenant, kind, id)
    SELECT DISTINCT a.tenant COLLATE "C", a.kind COLLATE "C", a.id COLLATE "C"
    FROM unnest(tenants, kinds, ids) AS a (tenant, kind, id)
    WHERE NOT EXISTS (SELECT FROM actor k WHERE k.tenant = a.tenant AND k.kind = a.kind AND k.id = a.id)
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
    SELECT array_agg(k.key ORDER BY a.ord) INTO keys
    FROM unnest(tenants, kinds, ids) WITH ORDINALITY AS a (tenant, kind, id, ord)
    JOIN actor k ON k.tenant = a.tenant AND k.kind = a.kind AND k.id = a.id;
    RETURN keys;
END $$;

-- Writes a batch of turns, at most one an actor, sorted by `t_actor`, in the caller's transaction. Arrays that begin
-- with the same letter run in parallel; `?_i` is the 1-based turn a part belongs to; a part that no turn has is NULL.
--
-- A head moves only where number and turn id are those the decision was made on. Answers NULL when every head moved,
-- else a verdict per turn: 0 written, 1 conflict, 2 gone (its letter or timer was consumed before), 3 found written by
-- this very turn. Only what belongs to a 0 is written. A part that breaks a constraint raises, and nothing is written:
-- the caller then runs the turns one by one.
CREATE FUNCTION commit_turns(
    t_tenant text[], t_actor bigint[], t_seq bigint[], t_prev bytea[], t_turn bytea[], t_at timestamptz[],
    t_correlation text[],
    c_i integer[], c_sender bigint[], c_seq bigint[], c_n integer[],
    d_i integer[], d_name text[], d_due timestamptz[],
    f_i integer[], f_n integer[], f_type text[], f_version integer[], f_body json[],
    m_i integer[], m_n integer[], m_type text[], m_version integer[], m_body json[],
    k_i integer[], k_version integer[], k_body json[],
    l_i integer[], l_tenant text[], l_receiver bigint[], l_n integer[], l_body json[],
    s_i integer[], s_name text[], s_due timestamptz[], s_body json[],
    x_i integer[], x_name text[],
    o_i integer[], o_id text[],
    e_i integer[], e_id text[], e_klass text[], e_topic text[], e_body bytea[], e_not_after timestamptz[],
    r_i integer[], r_kind text[], r_body json[]
) RETURNS smallint[]
LANGUAGE plpgsql AS $$
DECLARE
    turns     integer := cardinality(t_actor);
    gone      integer[];
    written   bigint[];
    verdict   smallint[];
    all_won   boolean;
    kind      text;
    actors    bigint[];
    seqs      bigint[];
    bodies    json[];
    reasons   text[];
BEGIN
    -- Only turns of the actor itself consume its letters and timers, and every one of them moves its head: what is
    -- seen here holds where the head still matches below.
    IF c_i IS NOT NULL THEN
        SELECT array_agg(c.i) INTO gone FROM unnest(c_i, c_sender, c_seq, c_n) AS c (i, sender, seq, n)
        WHERE NOT EXISTS (
            SELECT FROM letter l WHERE l.tenant = t_tenant[c.i] AND l.receiver = t_actor[c.i]
            AND l.sender = c.sender AND l.from_seq = c.seq AND l.n = c.n);
    END IF;
    IF d_i IS NOT NULL THEN
        SELECT gone || array_agg(d.i) INTO gone FROM unnest(d_i, d_name, d_due) AS d (i, name, due)
        WHERE NOT EXISTS (
            SELECT FROM timer s WHERE s.tenant = t_tenant[d.i] AND s.actor = t_actor[d.i]
            AND s.name = d.name AND s.due = d.due);
    END IF;
    gone := coalesce(gone, '{}');

    WITH moved AS (
        UPDATE head h SET seq = h.seq + 1, turn = t.turn,
            behind_since = CASE WHEN t.i = ANY (k_i) THEN NULL ELSE least(h.behind_since, t.at) END
        FROM unnest(t_tenant, t_actor, t_seq, t_prev, t_turn, t_at) WITH ORDINALITY
            AS t (tenant, actor, seq, prev, turn, at, i)
        WHERE h.tenant = t.tenant AND h.actor = t.actor AND h.seq = t.seq AND h.turn = t.prev AND t.i <> ALL (gone)
        RETURNING t.i
    )
    SELECT array_agg(i) INTO written FROM moved;
    IF 0 = ANY (t_seq) THEN
        WITH born AS (
            INSERT INTO head (tenant, actor, seq, turn, behind_since)
            SELECT t.tenant, t.actor, 1, t.turn, CASE WHEN t.i = ANY (k_i) THEN NULL ELSE t.at END
            FROM unnest(t_tenant, t_actor, t_seq, t_prev, t_turn, t_at) WITH ORDINALITY
                AS t (tenant, actor, seq, prev, turn, at, i)
            WHERE t.seq = 0 AND t.prev = '\x00000000000000000000000000000000' AND t.i <> ALL (gone)
            ORDER BY t.i
            ON CONFLICT DO NOTHING
            RETURNING actor
        )
        SELECT written || array_agg(array_position(t_actor, b.actor)) INTO written FROM born b;
    END IF;

    all_won := coalesce(cardinality(written), 0) = turns;
    IF NOT all_won THEN
        SELECT array_agg(CASE
                WHEN t.i = ANY (written) THEN 0
                WHEN h.turn = t.turn THEN 3
                WHEN t.i = ANY (gone) AND (h.seq = t.seq AND h.turn = t.prev OR h.seq IS NULL AND t.seq = 0) THEN 2
                ELSE 1 END::smallint ORDER BY t.i) INTO verdict
        FROM unnest(t_tenant, t_actor, t_seq, t_prev, t_turn) WITH ORDINALITY AS t (tenant, actor, seq, prev, turn, i)
        LEFT JOIN head h ON h.tenant = t.tenant AND h.actor = t.actor;
        IF 0 <> ALL (verdict) THEN
            RETURN verdict;
        END IF;
    END IF;

    IF c_i IS NOT NULL THEN
        DELETE FROM letter l USING unnest(c_i, c_sender, c_seq, c_n) AS c (i, sender, seq, n)
        WHERE l.tenant = t_tenant[c.i] AND l.receiver = t_actor[c.i] AND l.sender = c.sender AND l.from_seq = c.seq
          AND l.n = c.n AND (all_won OR verdict[c.i] = 0);
    END IF;
    IF d_i IS NOT NULL THEN
        DELETE FROM timer s USING unnest(d_i, d_name) AS d (i, name)
        WHERE s.tenant = t_tenant[d.i] AND s.actor = t_actor[d.i] AND s.name = d.name
          AND (all_won OR verdict[d.i] = 0);
    END IF;
    IF f_i IS NOT NULL THEN
        INSERT INTO fact (tenant, actor, seq, n, at, type, version, correlation, body)
        SELECT t_tenant[f.i], t_actor[f.i], t_seq[f.i] + 1, f.n, t_at[f.i], f.type, f.version, t_correlation[f.i], f.body
        FROM unnest(f_i, f_n, f_type, f_version, f_body) AS f (i, n, type, version, body)
        WHERE all_won OR verdict[f.i] = 0;
    END IF;
    IF m_i IS NOT NULL THEN
        INSERT INTO meter (tenant, actor, seq, n, at, type, version, correlation, body)
        SELECT t_tenant[f.i], t_actor[f.i], t_seq[f.i] + 1, f.n, t_at[f.i], f.type, f.version, t_correlation[f.i], f.body
        FROM unnest(m_i, m_n, m_type, m_version, m_body) AS f (i, n, type, version, body)
        WHERE all_won OR verdict[f.i] = 0;
    END IF;
    IF k_i IS NOT NULL THEN
        INSERT INTO checkpoint AS c (tenant, actor, seq, at, version, body)
        SELECT t_tenant[k.i], t_actor[k.i], t_seq[k.i] + 1, t_at[k.i], k.version, k.body
        FROM unnest(k_i, k_version, k_body) AS k (i, version, body)
        WHERE all_won OR verdict[k.i] = 0
        ON CONFLICT (tenant, actor) DO UPDATE
        SET seq = excluded.seq, at = excluded.at, version = excluded.version, body = excluded.body
        WHERE c.seq < excluded.seq;
    END IF;
    IF l_i IS NOT NULL THEN
        INSERT INTO letter (tenant, receiver, sender, from_seq, n, sent_at, body)
        SELECT l.tenant, l.receiver, t_actor[l.i], t_seq[l.i] + 1, l.n, t_at[l.i], l.body
        FROM unnest(l_i, l_tenant, l_receiver, l_n, l_body) AS l (i, tenant, receiver, n, body)
        WHERE all_won OR verdict[l.i] = 0;
    END IF;
    IF x_i IS NOT NULL THEN
        DELETE FROM timer s USING unnest(x_i, x_name) AS x (i, name)
        WHERE s.tenant = t_tenant[x.i] AND s.actor = t_actor[x.i] AND s.name = x.name
          AND (all_won OR verdict[x.i] = 0);
    END IF;
    IF s_i IS NOT NULL THEN
        INSERT INTO timer (tenant, actor, name, due, body)
        SELECT t_tenant[s.i], t_actor[s.i], s.name, s.due, s.body
        FROM unnest(s_i, s_name, s_due, s_body) AS s (i, name, due, body)
        WHERE all_won OR verdict[s.i] = 0
        ON CONFLICT (tenant, actor, name) DO UPDATE SET due = excluded.due, body = excluded.body;
    END IF;
    IF o_i IS NOT NULL THEN
        DELETE FROM outbox b USING unnest(o_i, o_id) AS o (i, id)
        WHERE b.tenant = t_tenant[o.i] AND b.actor = t_actor[o.i] AND b.id = o.id AND (all_won OR verdict[o.i] = 0);
    END IF;
    IF e_i IS NOT NULL THEN
        INSERT INTO outbox (tenant, actor, id, klass, topic, body, not_after, staged_at)
        SELECT t_tenant[e.i], t_actor[e.i], e.id, e.klass, e.topic, e.body, e.not_after, t_at[e.i]
        FROM unnest(e_i, e_id, e_klass, e_topic, e_body, e_not_after) AS e (i, id, klass, topic, body, not_after)
        WHERE all_won OR verdict[e.i] = 0
        ON CONFLICT (tenant, actor, id) DO NOTHING;
    END IF;
    IF r_i IS NOT NULL THEN
        FOR kind, actors, seqs, bodies IN
            SELECT r.kind, array_agg(t_actor[r.i]), array_agg(t_seq[r.i] + 1), array_agg(r.body)
            FROM unnest(r_i, r_kind, r_body) AS r (i, kind, body)
            WHERE all_won OR verdict[r.i] = 0
            GROUP BY r.kind ORDER BY r.kind
        LOOP
            EXECUTE format('SELECT %I($1, $2, $3)', 'write_' || kind) INTO reasons USING actors, seqs, bodies;
            IF reasons IS NOT NULL AND cardinality(array_remove(reasons, NULL)) > 0 THEN
                RAISE EXCEPTION USING ERRCODE = 'VT001', MESSAGE = array_to_string(reasons, '; ');
            END IF;
        END LOOP;
    END IF;
    RETURN verdict;
END $$;
