-- Money that is settled with the payment provider: transfers, payouts, and the movements on each account with what our books
-- say to them (actors/merchant).

CREATE TABLE transfer (
    tenant        text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    merchant      text COLLATE "C" NOT NULL,
    kind          text NOT NULL,
    role          text NOT NULL,
    state         text NOT NULL,
    currency      text NOT NULL,
    amount_minor  bigint NOT NULL,
    transfer      text COLLATE "C",
    reversal      text COLLATE "C",
    left_minor    bigint NOT NULL,
    refs          json NOT NULL,
    reason        text,
    journals      text[] NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    actor         bigint NOT NULL,
    applied_seq   bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);
CREATE INDEX transfer_of_provider ON transfer (transfer) WHERE transfer IS NOT NULL;
CREATE INDEX transfer_of_reversal ON transfer (reversal) WHERE reversal IS NOT NULL;
CREATE INDEX transfer_of_merchant ON transfer (merchant, tenant, created_at, id);
CREATE INDEX transfer_listed ON transfer (tenant COLLATE "POSIX", created_at, id);

CREATE FUNCTION write_transfer(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transfer AS t (tenant, id, merchant, kind, role, state, currency, amount_minor, transfer, reversal, left_minor,
        refs, reason, journals, created_at, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.merchant, r.kind, r.role, r.state, r.currency,
        r.amount_minor, r.transfer, r.reversal, r.left_minor, r.refs, r.reason, r.journals, r.created_at, r.updated_at,
        b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, merchant text, kind text, role text, state text, currency text,
            amount_minor bigint, transfer text, reversal text, left_minor bigint, refs json, reason text, journals text[],
            created_at timestamptz, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, transfer = excluded.transfer, reversal = excluded.reversal,
        left_minor = excluded.left_minor, refs = excluded.refs, reason = excluded.reason, journals = excluded.journals,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE TABLE payout (
    tenant          text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    merchant        text COLLATE "C" NOT NULL,
    account         text COLLATE "C" NOT NULL,
    status          text NOT NULL,
    currency        text NOT NULL,
    amount_minor    bigint NOT NULL,
    arrival         timestamptz,
    automatic       boolean NOT NULL,
    reconciled      boolean NOT NULL,
    lines           integer NOT NULL,
    lines_minor     bigint,
    failure         text,
    bank_reference  text,
    journals        text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    actor           bigint NOT NULL,
    applied_seq     bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);
CREATE INDEX payout_listed ON payout (tenant COLLATE "POSIX", created_at, id);

CREATE FUNCTION write_payout(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payout AS t (tenant, id, merchant, account, status, currency, amount_minor, arrival, automatic, reconciled, lines,
        lines_minor, failure, bank_reference, journals, created_at, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.id COLLATE "C") r.tenant, r.id, r.merchant, r.account, r.status, r.currency,
        r.amount_minor, r.arrival, r.automatic, r.reconciled, r.lines, r.lines_minor, r.failure, r.bank_reference, r.journals,
        r.created_at, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, id text, merchant text, account text, status text, currency text,
            amount_minor bigint, arrival timestamptz, automatic boolean, reconciled boolean, lines integer, lines_minor bigint,
            failure text, bank_reference text, journals text[], created_at timestamptz, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, amount_minor = excluded.amount_minor,
        arrival = excluded.arrival, automatic = excluded.automatic, reconciled = excluded.reconciled, lines = excluded.lines,
        lines_minor = excluded.lines_minor, failure = excluded.failure, bank_reference = excluded.bank_reference,
        journals = excluded.journals, updated_at = excluded.updated_at, actor = excluded.actor,
        applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

CREATE TABLE balance_line (
    tenant                  text COLLATE "C" NOT NULL,
    account                 text COLLATE "C" NOT NULL,
    id                      text COLLATE "C" NOT NULL,
    merchant                text COLLATE "C" NOT NULL,
    kind                    text NOT NULL,
    currency                text NOT NULL,
    amount_minor            bigint NOT NULL,
    fee_minor               bigint NOT NULL,
    net_minor               bigint NOT NULL,
    created                 timestamptz NOT NULL,
    available_on            timestamptz,
    source                  text COLLATE "C",
    about                   text COLLATE "C",
    payout                  text COLLATE "C",
    state                   text NOT NULL,
    expected_minor          bigint,
    journals                text[] NOT NULL,
    corrections             text[] NOT NULL,
    suspense_minor          bigint NOT NULL,
    suspense_pending_minor  bigint NOT NULL,
    pending_minor           bigint NOT NULL,
    moved_minor             bigint NOT NULL,
    resolved_to             text,
    reason                  text,
    first_seen_at           timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    actor                   bigint NOT NULL,
    applied_seq             bigint NOT NULL,
    PRIMARY KEY (tenant, account, id)
) WITH (fillfactor = 70);
COMMENT ON TABLE balance_line IS
    'Every balance transaction of the provider that was seen, and the journals that booked it: a journal is one line''s only.';
CREATE INDEX balance_line_open ON balance_line (account, tenant, id)
    WHERE state IN ('unmatched', 'differs', 'doubled') OR pending_minor + suspense_pending_minor <> moved_minor;
CREATE INDEX balance_line_listed ON balance_line (tenant COLLATE "POSIX", created, id);
CREATE INDEX balance_line_journals ON balance_line USING gin (journals);
CREATE INDEX balance_line_payout ON balance_line (payout, tenant) WHERE payout IS NOT NULL;

CREATE FUNCTION write_balance_line(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balance_line AS t (tenant, account, id, merchant, kind, currency, amount_minor, fee_minor, net_minor, created,
        available_on, source, about, payout, state, expected_minor, journals, corrections, suspense_minor,
        suspense_pending_minor, pending_minor, moved_minor, resolved_to, reason, first_seen_at, updated_at, actor, applied_seq)
    SELECT DISTINCT ON (r.tenant COLLATE "C", r.account COLLATE "C", r.id COLLATE "C") r.tenant, r.account, r.id, r.merchant,
        r.kind, r.currency, r.amount_minor, r.fee_minor, r.net_minor, r.created, r.available_on, r.source, r.about, r.payout,
        r.state, r.expected_minor, r.journals, r.corrections, r.suspense_minor, r.suspense_pending_minor, r.pending_minor,
        r.moved_minor, r.resolved_to, r.reason, r.first_seen_at, r.updated_at, b.actor, b.seq
    FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
        json_to_record(b.body) AS r (tenant text, account text, id text, merchant text, kind text, currency text,
            amount_minor bigint, fee_minor bigint, net_minor bigint, created timestamptz, available_on timestamptz, source text,
            about text, payout text, state text, expected_minor bigint, journals text[], corrections text[],
            suspense_minor bigint, suspense_pending_minor bigint, pending_minor bigint, moved_minor bigint, resolved_to text,
            reason text, first_seen_at timestamptz, updated_at timestamptz)
    ORDER BY r.tenant COLLATE "C", r.account COLLATE "C", r.id COLLATE "C", b.n DESC
    ON CONFLICT (tenant, account, id) DO UPDATE SET payout = excluded.payout, state = excluded.state, about = excluded.about,
        available_on = excluded.available_on, expected_minor = excluded.expected_minor, journals = excluded.journals,
        corrections = excluded.corrections, suspense_minor = excluded.suspense_minor,
        suspense_pending_minor = excluded.suspense_pending_minor, pending_minor = excluded.pending_minor,
        moved_minor = excluded.moved_minor, resolved_to = excluded.resolved_to, reason = excluded.reason,
        updated_at = excluded.updated_at, actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- From what a movement is about to the payment behind it.
CREATE FUNCTION payment_refunds(refunds json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(r->>'refund') FILTER (WHERE r->>'refund' IS NOT NULL) FROM json_array_elements(refunds) AS r
$$;
CREATE INDEX payment_charge ON payment (charge) WHERE charge IS NOT NULL;
CREATE INDEX payment_refund ON payment USING gin (payment_refunds(refunds));
CREATE INDEX payment_dispute ON payment ((dispute->>'id')) WHERE dispute IS NOT NULL;
