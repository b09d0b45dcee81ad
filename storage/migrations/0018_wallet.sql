-- Wallets and the lines of their statements (actors/wallet). The balance that counts is the ledger's account 2100/ID; this is what
-- people are shown. A line never changes.

CREATE TABLE wallet (
    tenant               text COLLATE "C" NOT NULL,
    id                   text COLLATE "C" NOT NULL,
    state                text COLLATE "C" NOT NULL,
    currency             text NOT NULL,
    balance_minor        bigint NOT NULL,
    held_minor           bigint NOT NULL,
    promo_minor          bigint NOT NULL,
    owed_minor           bigint NOT NULL,
    owner                text NOT NULL,
    session_limit_minor  bigint,
    auto                 json,
    has_card             boolean NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    actor                bigint NOT NULL,
    applied_seq          bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 60);

CREATE TABLE wallet_line (
    tenant         text COLLATE "C" NOT NULL,
    wallet         text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL,
    at             timestamptz NOT NULL,
    kind           text NOT NULL,
    amount_minor   bigint NOT NULL,
    balance_minor  bigint NOT NULL,
    currency       text NOT NULL,
    ref            text NOT NULL,
    journal        text,
    detail         json NOT NULL,
    PRIMARY KEY (tenant, wallet, id)
);

CREATE FUNCTION write_wallet(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wallet AS t (tenant, id, state, currency, balance_minor, held_minor, promo_minor, owed_minor, owner,
        session_limit_minor, auto, has_card, created_at, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.state, r.currency, r.balance_minor,
        r.held_minor, r.promo_minor, r.owed_minor, r.owner, r.session_limit_minor, r.auto, r.has_card, r.created_at,
        r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, state text, currency text, balance_minor bigint, held_minor bigint,
            promo_minor bigint, owed_minor bigint, owner text, session_limit_minor bigint, auto json, has_card boolean,
            created_at timestamptz, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, balance_minor = excluded.balance_minor,
        held_minor = excluded.held_minor, promo_minor = excluded.promo_minor, owed_minor = excluded.owed_minor,
        owner = excluded.owner, session_limit_minor = excluded.session_limit_minor, auto = excluded.auto,
        has_card = excluded.has_card, updated_at = excluded.updated_at, actor = excluded.actor,
        applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE FUNCTION write_wallet_line(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wallet_line (tenant, wallet, id, at, kind, amount_minor, balance_minor, currency, ref, journal, detail)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.wallet COLLATE "C", r.id COLLATE "C") r.tenant, r.wallet, r.id, r.at, r.kind,
        r.amount_minor, r.balance_minor, r.currency, r.ref, r.journal, r.detail
    FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
        json_to_record(b.body) AS r (tenant text, wallet text, id text, at timestamptz, kind text, amount_minor bigint,
            balance_minor bigint, currency text, ref text, journal text, detail json)
    ORDER BY r.tenant COLLATE "C", r.wallet COLLATE "C", r.id COLLATE "C", b.n
    ON CONFLICT (tenant, wallet, id) DO NOTHING;
    RETURN NULL;
END $$;
