-- By which platform account of the payment provider a payment was made, and a merchant is paid; to whose endpoint a webhook came.
-- '' is the account of the whole installation: what there was before brands had accounts of their own.

ALTER TABLE payment ADD COLUMN platform text COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX payment_intent;
DROP INDEX payment_checkout;
CREATE UNIQUE INDEX payment_intent ON payment (intent, coalesce(account, ''), platform) WHERE intent IS NOT NULL;
CREATE UNIQUE INDEX payment_checkout ON payment (checkout, coalesce(account, ''), platform) WHERE checkout IS NOT NULL;
-- What is open on which account (storage/payments.py, which names the same states in the same order).
CREATE INDEX payment_open ON payment (platform, tenant)
    WHERE state NOT IN ('captured', 'dispute_lost', 'disputed', 'expired', 'lost', 'refunded', 'refunded_partial',
        'released', 'settled');

CREATE OR REPLACE FUNCTION write_payment(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payment AS t (tenant, id, purpose, state, currency, hold_minor, limit_minor, captured_minor, refunded_minor,
        fee_minor, psp_fee_minor, cost, station, evse, code, merchant, account, platform, wallet, checkout,
        checkout_url, intent, charge,
        capture_before, session, transaction_id, token_ref, reason, proof, quote, refunds, dispute, journals, created_at,
        updated_at, excess_minor, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.purpose, r.state, r.currency, r.hold_minor,
        r.limit_minor, r.captured_minor, r.refunded_minor, r.fee_minor, r.psp_fee_minor, r.cost, r.station, r.evse, r.code,
        r.merchant, r.account, coalesce(r.platform, ''), r.wallet, r.checkout,
        r.checkout_url, r.intent, r.charge, r.capture_before, r.session,
        r.transaction_id, r.token_ref, r.reason, r.proof, r.quote, r.refunds, r.dispute, r.journals, r.created_at,
        r.updated_at, r.excess_minor, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, purpose text, state text, currency text, hold_minor bigint,
            limit_minor bigint, captured_minor bigint, refunded_minor bigint, fee_minor bigint, psp_fee_minor bigint,
            cost json, station text, evse integer, code text, merchant text, account text, platform text, wallet text,
            checkout text,
            checkout_url text, intent text, charge text, capture_before timestamptz, session text, transaction_id text,
            token_ref text, reason text, proof json, quote json, refunds json, dispute json, journals text[],
            created_at timestamptz, updated_at timestamptz, excess_minor bigint)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET purpose = excluded.purpose, state = excluded.state, currency = excluded.currency,
        hold_minor = excluded.hold_minor, limit_minor = excluded.limit_minor, captured_minor = excluded.captured_minor,
        refunded_minor = excluded.refunded_minor, fee_minor = excluded.fee_minor, psp_fee_minor = excluded.psp_fee_minor,
        cost = excluded.cost, station = excluded.station, evse = excluded.evse, code = excluded.code,
        merchant = excluded.merchant, account = excluded.account, platform = excluded.platform,
        wallet = excluded.wallet, checkout = excluded.checkout,
        checkout_url = excluded.checkout_url, intent = excluded.intent, charge = excluded.charge,
        capture_before = excluded.capture_before, session = excluded.session, transaction_id = excluded.transaction_id,
        token_ref = excluded.token_ref, reason = excluded.reason, proof = excluded.proof, quote = excluded.quote,
        refunds = excluded.refunds, dispute = excluded.dispute, journals = excluded.journals,
        updated_at = excluded.updated_at, excess_minor = excluded.excess_minor,
        actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- One account, one merchant: on each platform account that it is connected to.
ALTER TABLE merchant ADD COLUMN platform text COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX merchant_account;
CREATE UNIQUE INDEX merchant_account ON merchant (account, platform) WHERE account IS NOT NULL;

CREATE OR REPLACE FUNCTION write_merchant(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO merchant AS t (tenant, id, seller, terms, account, platform, onboarding, charges_enabled,
        payouts_enabled, card_payments,
        due, draining, updated_at, deleted, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.seller, r.terms, r.account,
        coalesce(r.platform, ''), r.onboarding,
        r.charges_enabled, r.payouts_enabled, r.card_payments, r.due, r.draining, r.updated_at, r.deleted, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, seller jsonb, terms jsonb, account text, platform text,
            onboarding text,
            charges_enabled boolean, payouts_enabled boolean, card_payments text, due text[], draining boolean,
            updated_at timestamptz, deleted boolean)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET seller = excluded.seller, terms = excluded.terms, account = excluded.account,
        platform = excluded.platform,
        onboarding = excluded.onboarding, charges_enabled = excluded.charges_enabled,
        payouts_enabled = excluded.payouts_enabled, card_payments = excluded.card_payments, due = excluded.due,
        draining = excluded.draining, updated_at = excluded.updated_at, deleted = excluded.deleted, actor = excluded.actor,
        applied_seq = excluded.applied_seq, changed = excluded.changed
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- An account that is connected to two platform accounts tells both of the same event: one must not swallow the other's.
ALTER TABLE stripe_inbox ADD COLUMN platform text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE stripe_inbox DROP CONSTRAINT stripe_inbox_pkey, ADD PRIMARY KEY (platform, event_id);
