-- What was captured past us, in the payment provider's dashboard, beyond what a session cost: it is the driver's, and goes back.

ALTER TABLE payment ADD COLUMN excess_minor bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION write_payment(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payment AS t (tenant, id, purpose, state, currency, hold_minor, limit_minor, captured_minor, refunded_minor,
        fee_minor, psp_fee_minor, cost, station, evse, code, merchant, account, wallet, checkout, checkout_url, intent, charge,
        capture_before, session, transaction_id, token_ref, reason, proof, quote, refunds, dispute, journals, created_at,
        updated_at, excess_minor, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.purpose, r.state, r.currency, r.hold_minor,
        r.limit_minor, r.captured_minor, r.refunded_minor, r.fee_minor, r.psp_fee_minor, r.cost, r.station, r.evse, r.code,
        r.merchant, r.account, r.wallet, r.checkout, r.checkout_url, r.intent, r.charge, r.capture_before, r.session,
        r.transaction_id, r.token_ref, r.reason, r.proof, r.quote, r.refunds, r.dispute, r.journals, r.created_at,
        r.updated_at, r.excess_minor, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, purpose text, state text, currency text, hold_minor bigint,
            limit_minor bigint, captured_minor bigint, refunded_minor bigint, fee_minor bigint, psp_fee_minor bigint,
            cost json, station text, evse integer, code text, merchant text, account text, wallet text, checkout text,
            checkout_url text, intent text, charge text, capture_before timestamptz, session text, transaction_id text,
            token_ref text, reason text, proof json, quote json, refunds json, dispute json, journals text[],
            created_at timestamptz, updated_at timestamptz, excess_minor bigint)
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
        updated_at = excluded.updated_at, excess_minor = excluded.excess_minor, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;
