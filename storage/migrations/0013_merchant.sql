-- Who sells and is paid (actors/merchant), found by its tenant and by its account with the payment provider; and which merchant
-- a station names.

CREATE TABLE merchant (
    tenant           text COLLATE "C" NOT NULL,
    id               text COLLATE "C" NOT NULL,
    seller           jsonb NOT NULL,
    terms            jsonb NOT NULL,
    account          text COLLATE "C",
    onboarding       text NOT NULL,
    charges_enabled  boolean NOT NULL,
    payouts_enabled  boolean NOT NULL,
    card_payments    text NOT NULL,
    due              text[] NOT NULL,
    draining         boolean NOT NULL,
    updated_at       timestamptz NOT NULL,
    deleted          boolean NOT NULL,
    actor            bigint NOT NULL,
    applied_seq      bigint NOT NULL,
    changed          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX merchant_changed ON merchant (changed);
-- One account, one merchant: what the provider says of an account has one addressee. A turn that would break this fails alone.
CREATE UNIQUE INDEX merchant_account ON merchant (account) WHERE account IS NOT NULL;

CREATE FUNCTION write_merchant(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO merchant AS t (tenant, id, seller, terms, account, onboarding, charges_enabled, payouts_enabled, card_payments,
        due, draining, updated_at, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.seller, r.terms, r.account, r.onboarding,
        r.charges_enabled, r.payouts_enabled, r.card_payments, r.due, r.draining, r.updated_at, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, seller jsonb, terms jsonb, account text, onboarding text,
            charges_enabled boolean, payouts_enabled boolean, card_payments text, due text[], draining boolean,
            updated_at timestamptz, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET seller = excluded.seller, terms = excluded.terms, account = excluded.account,
        onboarding = excluded.onboarding, charges_enabled = excluded.charges_enabled,
        payouts_enabled = excluded.payouts_enabled, card_payments = excluded.card_payments, due = excluded.due,
        draining = excluded.draining, updated_at = excluded.updated_at, deleted = excluded.deleted, actor = excluded.actor,
        applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

ALTER TABLE station ADD COLUMN merchant text;

CREATE OR REPLACE FUNCTION write_station(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO station AS t (tenant, station, registered, evses, profile, auth, versions, tariff, location, boot,
        updated_at, deleted, auth_next, profile_next, serial, merchant, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C") r.tenant, r.station, r.registered, r.evses, r.profile,
        decode(r.auth, 'base64'), r.versions, r.tariff, r.location, r.boot, r.updated_at, r.deleted,
        decode(r.auth_next, 'base64'), r.profile_next, r.serial, r.merchant, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, station text, registered boolean, evses integer, profile integer,
            auth text, versions text[], tariff text, location jsonb, boot jsonb, updated_at timestamptz, deleted boolean,
            auth_next text, profile_next integer, serial text, merchant text)
    ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", b.n DESC
    ON CONFLICT (tenant, station) DO UPDATE SET registered = excluded.registered, evses = excluded.evses,
        profile = excluded.profile, auth = excluded.auth, versions = excluded.versions, tariff = excluded.tariff,
        location = excluded.location, boot = excluded.boot, updated_at = excluded.updated_at, deleted = excluded.deleted,
        auth_next = excluded.auth_next, profile_next = excluded.profile_next, serial = excluded.serial,
        merchant = excluded.merchant, actor = excluded.actor, applied_seq = excluded.applied_seq,
        changed = CASE WHEN (t.registered, t.evses, t.profile, t.auth, t.versions, t.tariff, t.location, t.deleted,
                t.auth_next, t.profile_next, t.serial, t.merchant)
            IS DISTINCT FROM (excluded.registered, excluded.evses, excluded.profile, excluded.auth, excluded.versions,
                excluded.tariff, excluded.location, excluded.deleted, excluded.auth_next, excluded.profile_next,
                excluded.serial, excluded.merchant)
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
    UPDATE merchant SET changed = pg_current_xact_id() WHERE changed > beyond;
END $$;
