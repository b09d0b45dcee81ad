-- Holds: money of an account with a floor (a wallet) that is reserved, before it is known how much will be taken.
--
-- A hold is made, and ends once: posted with a journal of the same transaction that takes at most its amount, void or expired.
-- Both are rows that are only ever added. What may be spent (`available_minor`) is what is posted less what is reserved, so
-- making a hold and drawing compete for one row, and neither can overdraw (MONEY 3.6, I4 and I5).

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE ledger_balance ADD COLUMN pending_minor bigint NOT NULL DEFAULT 0 CHECK (pending_minor >= 0);
COMMENT ON TABLE ledger_balance IS
    'Accounts with a floor: what may be spent, and what is reserved by open holds besides; together the credit balance. Kept by the triggers on entries and holds.';

CREATE TABLE ledger_hold (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    account bigint NOT NULL REFERENCES ledger_account,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    ref text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    expires timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX ledger_hold_at ON ledger_hold (tenant COLLATE "POSIX", at, id);
CREATE INDEX ledger_hold_account ON ledger_hold (account);

CREATE TABLE ledger_hold_end (
    tenant text COLLATE "C" NOT NULL,
    hold text COLLATE "C" NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('posted', 'void', 'expired')),
    journal text COLLATE "C",
    ref text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, hold),
    FOREIGN KEY (tenant, hold) REFERENCES ledger_hold (tenant, id),
    CHECK ((outcome = 'posted') = (journal IS NOT NULL))
);
CREATE UNIQUE INDEX ledger_hold_journal ON ledger_hold_end (journal, tenant) WHERE journal IS NOT NULL;

-- What binds everyone -----------------------------------------------------------------------------------------

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_hold FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_hold_end FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE FUNCTION ledger_take_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    stray text;
BEGIN
    SELECT f.id INTO stray FROM fresh f LEFT JOIN ledger_account a ON a.id = f.account AND a.tenant = f.tenant
    LEFT JOIN ledger_balance b ON b.account = a.id WHERE b.account IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hold % is not on an account with a floor of its own tenant', stray USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger_balance b SET available_minor = b.available_minor - h.minor, pending_minor = b.pending_minor + h.minor
    FROM (SELECT account, sum(amount_minor) AS minor FROM fresh GROUP BY account ORDER BY account) h
    WHERE b.account = h.account;
    RETURN NULL;
END $$;
CREATE TRIGGER take_holds AFTER INSERT ON ledger_hold REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_holds();

CREATE FUNCTION ledger_end_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE ledger_balance b SET available_minor = b.available_minor + e.minor, pending_minor = b.pending_minor - e.minor
    FROM (SELECT h.account, sum(h.amount_minor) AS minor FROM fresh f JOIN ledger_hold h ON (h.tenant, h.id) = (f.tenant, f.hold)
        GROUP BY h.account ORDER BY h.account) e
    WHERE b.account = e.account;
    RETURN NULL;
END $$;
CREATE TRIGGER end_holds AFTER INSERT ON ledger_hold_end REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_end_holds();

CREATE FUNCTION ledger_hold_took(of_tenant text, of_journal text, of_account bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(e.amount_minor), 0)::bigint FROM ledger_entry e
    WHERE e.tenant = of_tenant AND e.journal = of_journal AND e.account = of_account
$$;

-- At the end of the transaction: writers of rows run in an order of their own, and the journal may come after the hold.
CREATE FUNCTION ledger_check_hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    hold ledger_hold;
    took bigint;
BEGIN
    SELECT * INTO STRICT hold FROM ledger_hold h WHERE h.tenant = NEW.tenant AND h.id = NEW.hold;
    took := ledger_hold_took(NEW.tenant, NEW.journal, hold.account);
    IF NOT EXISTS (SELECT FROM ledger_journal j WHERE j.tenant = NEW.tenant AND j.id = NEW.journal
            AND j.txid = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'hold % is posted with journal %, which this transaction does not post', NEW.hold, NEW.journal
            USING ERRCODE = 'check_violation';
    END IF;
    IF took NOT BETWEEN 1 AND hold.amount_minor THEN
        RAISE EXCEPTION 'hold % of % is posted with journal %, which takes %', NEW.hold, hold.amount_minor, NEW.journal, took
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER has_journal AFTER INSERT ON ledger_hold_end DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.outcome = 'posted') EXECUTE FUNCTION ledger_check_hold();

-- Making and ending --------------------------------------------------------------------------------------------

CREATE FUNCTION ledger_hold_one(h jsonb, of_account bigint) RETURNS TABLE (status text, detail text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    amount bigint := (h ->> 'amount_minor')::bigint;
    free bigint;
    known ledger_hold;
    done ledger_hold_end;
BEGIN
    SELECT b.available_minor INTO free FROM ledger_balance b WHERE b.account = of_account;
    SELECT * INTO known FROM ledger_hold k WHERE k.tenant = h ->> 'tenant' AND k.id = h ->> 'id';
    SELECT * INTO done FROM ledger_hold_end e WHERE e.tenant = h ->> 'tenant' AND e.hold = h ->> 'id';
    IF known.id IS NOT NULL AND (known.account, known.amount_minor) IS DISTINCT FROM (of_account, amount) THEN
        RETURN QUERY SELECT 'differs', format('it exists with %s on account %s', known.amount_minor, known.account);
    ELSIF h ->> 'outcome' IS NULL THEN
        IF known.id IS NOT NULL THEN
            RETURN QUERY SELECT 'repeated', '';
        ELSIF (amount > 0 AND h ->> 'id' <> '' AND h ->> 'ref' <> '' AND left(h ->> 'account', 4) IN (SELECT code FROM ledger_floor))
                IS NOT TRUE THEN
            RETURN QUERY SELECT 'invalid', 'a hold is a positive amount on an account with a floor';
        ELSIF coalesce(free, 0) < amount THEN
            RETURN QUERY SELECT 'overdrawn', format('%s may be spent', coalesce(free, 0));
        ELSE
            INSERT INTO ledger_hold (tenant, id, account, amount_minor, ref, at, expires) VALUES (h ->> 'tenant', h ->> 'id',
                of_account, amount, h ->> 'ref', (h ->> 'at')::timestamptz, (h ->> 'expires')::timestamptz);
            RETURN QUERY SELECT 'held', '';
        END IF;
    ELSIF known.id IS NULL THEN
        RETURN QUERY SELECT 'unknown', 'it was never made';
    ELSIF done.hold IS NOT NULL THEN
        RETURN QUERY SELECT CASE WHEN (done.outcome, done.journal) IS NOT DISTINCT FROM (h ->> 'outcome', h ->> 'journal')
            THEN 'repeated' ELSE 'over' END, concat_ws(' ', 'it has ended:', done.outcome, done.journal);
    ELSIF h ->> 'outcome' = 'expired' AND ((h ->> 'at')::timestamptz >= known.expires) IS NOT TRUE THEN
        RETURN QUERY SELECT 'invalid', format('it expires at %s', known.expires);
    ELSIF h ->> 'outcome' NOT IN ('posted', 'void', 'expired') OR (h ->> 'outcome' = 'posted') <> (h ->> 'journal' IS NOT NULL) THEN
        RETURN QUERY SELECT 'invalid', 'it ends posted with a journal, void or expired';
    ELSE
        INSERT INTO ledger_hold_end (tenant, hold, outcome, journal, ref, at) VALUES (h ->> 'tenant', h ->> 'id',
            h ->> 'outcome', h ->> 'journal', coalesce(h ->> 'ref', known.ref), (h ->> 'at')::timestamptz);
        RETURN QUERY SELECT 'ended', '';
    END IF;
END $$;

CREATE FUNCTION ledger_reserve(batch jsonb) RETURNS TABLE (n integer, status text, detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    item record;
BEGIN
    -- Sorted, so that two transactions never wait for each other in a circle.
    PERFORM FROM ledger_balance b WHERE b.account IN (
        SELECT a.id FROM jsonb_to_recordset(batch) AS h (tenant text, book text, account text, currency text)
        JOIN ledger_account a ON (a.tenant, a.book, a.code, a.currency) = (h.tenant, h.book, h.account, h.currency))
    ORDER BY b.account FOR UPDATE;
    -- What is let go may be reserved anew in the same batch; what is posted is freed last, for the journals that follow.
    FOR item IN
        SELECT b.row, b.k::integer AS k, a.id AS account FROM jsonb_array_elements(batch) WITH ORDINALITY AS b (row, k)
        LEFT JOIN ledger_account a ON (a.tenant, a.book, a.code, a.currency)
            = (b.row ->> 'tenant', b.row ->> 'book', b.row ->> 'account', b.row ->> 'currency')
        ORDER BY CASE b.row ->> 'outcome' WHEN 'void' THEN 1 WHEN 'expired' THEN 1 WHEN 'posted' THEN 3 ELSE 2 END, b.k
    LOOP
        RETURN QUERY SELECT item.k, o.status, o.detail FROM ledger_hold_one(item.row, item.account) o;
    END LOOP;
END $$;
COMMENT ON FUNCTION ledger_reserve IS
    'Makes and ends holds: a JSON array of them (fields of HoldRow), of each what became of it: held, ended, repeated, differs, overdrawn, unknown, over (it has ended otherwise), invalid.';

-- Called before write_journal: kinds are written in order of their names.
CREATE FUNCTION write_hold(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT array_agg(CASE WHEN r.status NOT IN ('held', 'ended', 'repeated')
            THEN format('hold %s: %s: %s', bodies[r.n] ->> 'id', r.status, r.detail) END ORDER BY r.n)
        FROM ledger_reserve(array_to_json(bodies)::jsonb) r);
END $$;

-- Verifying: as in 0002, and that holds and balances agree -------------------------------------------------------

CREATE OR REPLACE FUNCTION ledger_verify(of_tenant text DEFAULT NULL) RETURNS TABLE (tenant text, what text, subject text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    WITH line AS (
        SELECT e.tenant, e.journal, a.currency, e.amount_minor, a.code, a.tenant AS home, a.book
        FROM ledger_entry e LEFT JOIN ledger_account a ON a.id = e.account
        WHERE of_tenant IS NULL OR e.tenant = of_tenant
    ), sums AS (
        SELECT l.tenant, l.journal, l.currency, sum(l.amount_minor) AS off_by, count(*) AS entries
        FROM line l GROUP BY 1, 2, 3
    ), lines AS (
        SELECT l.tenant, l.journal, string_agg(concat_ws(' ', l.currency, l.code, l.amount_minor), E'\x1e'
            ORDER BY l.currency COLLATE "C", l.code COLLATE "C", l.amount_minor) AS lines,
            bool_and(l.home = l.tenant) AS at_home, min(l.book) AS book, count(DISTINCT l.book) AS books
        FROM line l GROUP BY 1, 2
    ), journal AS (
        SELECT j.*, ledger_content(j.book, j.ref, j.reverses, j.group_id, lines.lines) AS real,
            lines.lines IS NOT NULL AND lines.at_home AND lines.books = 1 AND lines.book = j.book AS at_home
        FROM ledger_journal j LEFT JOIN lines ON (lines.tenant, lines.journal) = (j.tenant, j.id)
        WHERE of_tenant IS NULL OR j.tenant = of_tenant
    ), sealed AS (
        SELECT k.tenant, k.n, k.journals, k.hash, count(j.id) AS found,
            ledger_link_hash(coalesce(before.hash, ''), k.tenant, k.n, k.era, k.from_xid, k.upto_xid, coalesce(
                string_agg(ledger_seal_of(j.id, j.at, j.txid, j.content), ''::bytea ORDER BY j.txid, j.id), '')) AS real
        FROM ledger_link k
        LEFT JOIN ledger_link before ON before.tenant = k.tenant AND before.n = k.n - 1
        LEFT JOIN ledger_journal j ON j.tenant = k.tenant AND j.era = k.era AND j.txid >= k.from_xid AND j.txid < k.upto_xid
        WHERE of_tenant IS NULL OR k.tenant = of_tenant
        GROUP BY k.tenant, k.n, before.hash
    )
    SELECT s.tenant, 'unbalanced', s.journal, concat_ws(' ', s.currency, 'off by', s.off_by, 'over', s.entries, 'entries')
    FROM sums s WHERE s.off_by <> 0 OR s.entries < 2
    UNION ALL
    SELECT j.tenant, 'changed', j.id, 'its entries or fields are not those that were posted' FROM journal j
    WHERE j.real IS DISTINCT FROM j.content
    UNION ALL
    SELECT j.tenant, 'strange account', j.id, 'it has no entries, or accounts of another tenant or book' FROM journal j
    WHERE j.at_home IS NOT TRUE
    UNION ALL
    SELECT l.tenant, 'orphan', l.journal, 'entries without their journal' FROM lines l
    WHERE NOT EXISTS (SELECT FROM ledger_journal j WHERE (j.tenant, j.id) = (l.tenant, l.journal))
    UNION ALL
    SELECT s.tenant, 'broken chain', 'link ' || s.n, format('it was sealed over %s journals, %s are there', s.journals, s.found)
    FROM sealed s WHERE s.real <> s.hash OR s.found <> s.journals
    UNION ALL
    SELECT k.tenant, 'broken chain', 'link ' || k.n, 'the link before it is missing' FROM ledger_link k
    WHERE (of_tenant IS NULL OR k.tenant = of_tenant) AND k.n > 1
        AND NOT EXISTS (SELECT FROM ledger_link b WHERE b.tenant = k.tenant AND b.n = k.n - 1)
    UNION ALL
    SELECT j.tenant, 'outside the chain', j.id, 'it lies in a sealed stretch, but no link covers it' FROM journal j
    JOIN ledger_era e ON e.era = j.era AND j.txid < e.sealed_upto
    WHERE NOT EXISTS (SELECT FROM ledger_link k
        WHERE k.tenant = j.tenant AND k.era = j.era AND j.txid >= k.from_xid AND j.txid < k.upto_xid)
    UNION ALL
    SELECT a.tenant, 'balance', concat_ws(' ', a.book, a.code, a.currency),
        format('the balance row says %s, the entries say %s', b.available_minor + b.pending_minor, s.available)
    FROM ledger_balance b JOIN ledger_account a ON a.id = b.account
    CROSS JOIN LATERAL (SELECT coalesce(-sum(e.amount_minor), 0) AS available FROM ledger_entry e WHERE e.account = a.id) s
    WHERE (of_tenant IS NULL OR a.tenant = of_tenant) AND s.available <> b.available_minor + b.pending_minor
    UNION ALL
    SELECT a.tenant, 'reserved', concat_ws(' ', a.book, a.code, a.currency),
        format('the balance row says %s, open holds say %s', b.pending_minor, h.open)
    FROM ledger_balance b JOIN ledger_account a ON a.id = b.account
    CROSS JOIN LATERAL (SELECT coalesce(sum(k.amount_minor), 0) AS open FROM ledger_hold k WHERE k.account = a.id
        AND NOT EXISTS (SELECT FROM ledger_hold_end e WHERE (e.tenant, e.hold) = (k.tenant, k.id))) h
    WHERE (of_tenant IS NULL OR a.tenant = of_tenant) AND h.open <> b.pending_minor
    UNION ALL
    SELECT e.tenant, 'hold', e.hold, format('it held %s, journal %s took %s', k.amount_minor, e.journal, t.took)
    FROM ledger_hold_end e JOIN ledger_hold k ON (k.tenant, k.id) = (e.tenant, e.hold)
    CROSS JOIN LATERAL (SELECT ledger_hold_took(e.tenant, e.journal, k.account) AS took) t
    WHERE (of_tenant IS NULL OR e.tenant = of_tenant) AND e.outcome = 'posted' AND t.took NOT BETWEEN 1 AND k.amount_minor
    UNION ALL
    SELECT a.tenant, 'floor', concat_ws(' ', a.book, a.code, a.currency), 'an account with a floor has no balance row'
    FROM ledger_account a JOIN ledger_floor f ON f.code = left(a.code, 4)
    WHERE (of_tenant IS NULL OR a.tenant = of_tenant)
        AND NOT EXISTS (SELECT FROM ledger_balance b WHERE b.account = a.id)
    UNION ALL
    SELECT a.tenant, 'total', concat_ws(' ', a.book, a.code, a.currency),
        format('the sealed total says %s, the sealed entries say %s', t.debit_minor - t.credit_minor, s.sum)
    FROM ledger_total t JOIN ledger_account a ON a.id = t.account
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(e.amount_minor), 0) AS sum FROM ledger_entry e
        JOIN ledger_journal j ON (j.tenant, j.id) = (e.tenant, e.journal)
        JOIN ledger_era r ON r.era = j.era AND j.txid < r.sealed_upto
        WHERE e.account = a.id) s
    WHERE (of_tenant IS NULL OR a.tenant = of_tenant) AND s.sum <> t.debit_minor - t.credit_minor
$$;

-- Rights ------------------------------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION ledger_take_holds, ledger_end_holds, ledger_check_hold, ledger_hold_one, ledger_reserve FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'csms_app') THEN
        REVOKE ALL ON ledger_hold, ledger_hold_end FROM csms_app;
        GRANT SELECT ON ledger_hold, ledger_hold_end TO csms_app;
        GRANT EXECUTE ON FUNCTION ledger_reserve TO csms_app;
    END IF;
END $$;
