-- Payment attempts, and the inbox of the payment provider's webhooks.
--
-- An intent and a checkout belong to one attempt over the whole installation: a second one that claims it is refused with its
-- turn. `account` NULL is the brand's own.

CREATE TABLE payment (
    tenant          text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    purpose         text NOT NULL,
    state           text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    hold_minor      bigint NOT NULL,
    limit_minor     bigint NOT NULL,
    captured_minor  bigint NOT NULL,
    refunded_minor  bigint NOT NULL,
    fee_minor       bigint NOT NULL,
    psp_fee_minor   bigint,
    cost            json,
    station         text COLLATE "C" NOT NULL,
    evse            integer NOT NULL,
    code            text COLLATE "C" NOT NULL,
    merchant        text COLLATE "C" NOT NULL,
    account         text COLLATE "C",
    wallet          text COLLATE "C" NOT NULL,
    checkout        text COLLATE "C",
    checkout_url    text,
    intent          text COLLATE "C",
    charge          text COLLATE "C",
    capture_before  timestamptz,
    session         text COLLATE "C",
    transaction_id  text COLLATE "C",
    token_ref       text COLLATE "C",
    reason          text,
    proof           json,
    quote           json,
    refunds         json NOT NULL,
    dispute         json,
    journals        text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    actor           bigint NOT NULL,
    applied_seq     bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX payment_intent ON payment (intent, coalesce(account, '')) WHERE intent IS NOT NULL;
CREATE UNIQUE INDEX payment_checkout ON payment (checkout, coalesce(account, '')) WHERE checkout IS NOT NULL;
CREATE INDEX payment_listed ON payment (tenant COLLATE "POSIX", created_at, id);
CREATE INDEX payment_of_station ON payment (station, tenant, created_at, id) WHERE station <> '';
CREATE INDEX payment_of_session ON payment (session, tenant) WHERE session IS NOT NULL;
CREATE INDEX payment_of_wallet ON payment (wallet, tenant, created_at, id) WHERE wallet <> '';
CREATE INDEX payment_of_merchant ON payment (merchant, tenant, created_at, id) WHERE merchant <> '';

CREATE FUNCTION write_payment(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payment AS t (tenant, id, purpose, state, currency, hold_minor, limit_minor, captured_minor, refunded_minor,
        fee_minor, psp_fee_minor, cost, station, evse, code, merchant, account, wallet, checkout, checkout_url, intent, charge,
        capture_before, session, transaction_id, token_ref, reason, proof, quote, refunds, dispute, journals, created_at,
        updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.purpose, r.state, r.currency, r.hold_minor,
        r.limit_minor, r.captured_minor, r.refunded_minor, r.fee_minor, r.psp_fee_minor, r.cost, r.station, r.evse, r.code,
        r.merchant, r.account, r.wallet, r.checkout, r.checkout_url, r.intent, r.charge, r.capture_before, r.session,
        r.transaction_id, r.token_ref, r.reason, r.proof, r.quote, r.refunds, r.dispute, r.journals, r.created_at,
        r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, purpose text, state text, currency text, hold_minor bigint,
            limit_minor bigint, captured_minor bigint, refunded_minor bigint, fee_minor bigint, psp_fee_minor bigint,
            cost json, station text, evse integer, code text, merchant text, account text, wallet text, checkout text,
            checkout_url text, intent text, charge text, capture_before timestamptz, session text, transaction_id text,
            token_ref text, reason text, proof json, quote json, refunds json, dispute json, journals text[],
            created_at timestamptz, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET purpose = excluded.purpose, state = excluded.state, currency = excluded.currency,
        hold_minor = excluded.hold_minor, limit_minor = excluded.limit_minor, captured_minor = excluded.captured_minor,
        refunded_minor = excluded.refunded_minor, fee_minor = excluded.fee_minor, psp_fee_minor = excluded.psp_fee_minor,
        cost = excluded.cost, station = excluded.station, evse = excluded.evse, code = excluded.code,
        merchant = excluded.merchant, account = excluded.account, wallet = excluded.wallet, checkout = excluded.checkout,
        checkout_url = excluded.checkout_url, intent = excluded.intent, charge = excluded.charge,
        capture_before = excluded.capture_before, session = excluded.session, transaction_id = excluded.transaction_id,
        token_ref = excluded.token_ref, reason = excluded.reason, proof = excluded.proof, quote = excluded.quote,
        refunds = excluded.refunds, dispute = excluded.dispute, journals = excluded.journals,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- What came on a webhook, until the worker has fetched what the provider has now. Of the event only ids are kept, none of the
-- names and addresses in it. `state`: waiting, done, or parked (tried too often: for an operator to look at).

CREATE TABLE stripe_inbox (
    event_id     text COLLATE "C" PRIMARY KEY,
    endpoint     text NOT NULL,
    account      text COLLATE "C",
    type         text NOT NULL,
    created      timestamptz NOT NULL,
    api_version  text,
    livemode     boolean NOT NULL,
    subject      json NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    state        text NOT NULL DEFAULT 'waiting',
    due          timestamptz NOT NULL DEFAULT now(),
    attempt      integer NOT NULL DEFAULT 0,
    error        text,
    done_at      timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX stripe_inbox_due ON stripe_inbox (due) WHERE state = 'waiting';
CREATE INDEX stripe_inbox_parked ON stripe_inbox (received_at) WHERE state = 'parked';
CREATE INDEX stripe_inbox_received ON stripe_inbox (received_at);
