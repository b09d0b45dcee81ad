-- The ledger: double entry, append only, balanced per currency by PostgreSQL itself.
--
-- A journal is balanced after every statement: entries come whole, and nothing is ever changed or removed. What posts is
-- ledger_post, which says what became of each journal and refuses without raising; the triggers bind whoever does not use it.
--
-- Who may do what. The tables belong to the owner of the schema. The role `csms_app` may read them and EXECUTE
-- ledger_post, ledger_seal, ledger_resume and ledger_verify, nothing else. Triggers bind everyone, the owner too.
--
-- Amounts are integers in minor units and signed: a debit is positive, a credit negative, so that a balance is a
-- sum and "balanced" means zero. An account belongs to one tenant, book and currency; a journal to one book.
-- Sources: MONEY 3.1, 3.2 (with its two traps), 3.6.

-- pg_temp is named, and last: otherwise a temporary table could stand in for a ledger table in the functions below.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE ledger_floor (
    code text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE ledger_floor IS
    'Classes of credit accounts that may not be overdrawn. Only these keep a balance row: a hot balance row halves throughput.';
INSERT INTO ledger_floor VALUES ('2100');  -- driver wallet

CREATE TABLE ledger_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL CHECK (code ~ '^[1-9][0-9]{3}(/[^[:cntrl:]]+)?$' AND length(code) <= 200),
    currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    UNIQUE (tenant, book, code, currency)
);

CREATE TABLE ledger_era (
    era integer PRIMARY KEY,
    began timestamptz NOT NULL DEFAULT now(),
    sealed_upto xid8 NOT NULL
);
COMMENT ON TABLE ledger_era IS
    'Transaction ids count from anew after a dump and restore: an era is a stretch in which they only grow. Every journal below sealed_upto is in a link of the chain.';
INSERT INTO ledger_era (era, sealed_upto) VALUES (1, '0');

CREATE TABLE ledger_journal (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    ref text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    reverses text COLLATE "C",
    group_id text COLLATE "C",
    content bytea NOT NULL,
    era integer NOT NULL,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, reverses) REFERENCES ledger_journal (tenant, id)
);
COMMENT ON COLUMN ledger_journal.id IS 'Idempotency key: posting it again with the same content changes nothing.';
COMMENT ON COLUMN ledger_journal.group_id IS 'Links mirrored journals in several books.';
CREATE INDEX ledger_journal_window ON ledger_journal (era, txid);
-- Beside its key no index begins with the tenant as it is: on a table that was empty when a plan was made, the planner
-- may take the smaller index for a look-up by key, and read all journals of the tenant instead of one, for as long as
-- the plan lives. The index of lists has a collation of its own, which only the queries of lists name.
CREATE INDEX ledger_journal_at ON ledger_journal (tenant COLLATE "POSIX", at, id);
CREATE INDEX ledger_journal_ref ON ledger_journal (ref, tenant);

CREATE TABLE ledger_entry (
    tenant text COLLATE "C" NOT NULL,
    journal text COLLATE "C" NOT NULL,
    n smallint NOT NULL,
    account bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (tenant, journal, n)
);
COMMENT ON TABLE ledger_entry IS
    'Its journal and account exist: the trigger take_entries looks at both anyway, and neither can ever be deleted. Foreign keys would look them up a second time, row by row.';
CREATE INDEX ledger_entry_account ON ledger_entry (account);

CREATE TABLE ledger_balance (
    account bigint PRIMARY KEY REFERENCES ledger_account,
    available_minor bigint NOT NULL DEFAULT 0 CHECK (available_minor >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_balance IS 'Credit balance of accounts with a floor, kept by the trigger on entries.';

CREATE TABLE ledger_total (
    account bigint PRIMARY KEY REFERENCES ledger_account,
    debit_minor numeric NOT NULL DEFAULT 0,
    credit_minor numeric NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_total IS 'Sums over sealed journals, so that a balance sheet need not add up the whole past.';

CREATE TABLE ledger_link (
    tenant text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    era integer NOT NULL,
    from_xid xid8 NOT NULL,
    upto_xid xid8 NOT NULL,
    journals bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, n)
);
COMMENT ON TABLE ledger_link IS
    'The hash chain of a tenant. A link covers the journals whose transaction id lies in [from_xid, upto_xid): not a range of journal numbers, since sequence order is not commit order and a late commit would be skipped.';

-- What is hashed ---------------------------------------------------------------------------------------------
-- STABLE, as what these call is: then they are inlined, and not planned anew in every statement that uses them.

CREATE FUNCTION ledger_content(book text, ref text, reverses text, group_id text, lines text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(concat_ws(E'\x1f', book, ref, coalesce(reverses, ''), coalesce(group_id, ''), lines), 'UTF8'));
COMMENT ON FUNCTION ledger_content IS
    'Identity of a journal''s content. `lines`: "currency code signed-amount", sorted, joined by \x1e. The time of writing is not part of it: a retry comes later.';

CREATE FUNCTION ledger_seal_of(id text, at timestamptz, txid xid8, content bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(concat_ws(E'\x1f', id, (extract(epoch FROM at) * 1000000)::bigint, txid), 'UTF8') || content);

CREATE FUNCTION ledger_link_hash(before bytea, tenant text, n bigint, era integer, from_xid xid8, upto_xid xid8, seals bytea)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(before || convert_to(concat_ws(E'\x1f', tenant, n, era, from_xid, upto_xid), 'UTF8') || seals);

-- What binds everyone -----------------------------------------------------------------------------------------

CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION '% is append only: % refused; correct a journal by another one that reverses it', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_journal FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_link FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE FUNCTION ledger_open_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ledger_balance (account)
    SELECT fresh.id FROM fresh JOIN ledger_floor ON ledger_floor.code = left(fresh.code, 4);
    RETURN NULL;
END $$;
CREATE TRIGGER open_balance AFTER INSERT ON ledger_account REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_open_balance();

-- Entries come whole: the ones of a journal that one statement inserts balance by themselves. So a journal is balanced
-- after every statement, and stays so, because nothing can be changed or removed. This closes the first trap of MONEY
-- 3.2: with deferred triggers, SET CONSTRAINTS ALL IMMEDIATE checks a balanced journal, and an entry inserted after it
-- in the same transaction may commit unseen. A trigger per statement also costs a tenth of deferred ones per entry.
CREATE FUNCTION ledger_take_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    broken record;
BEGIN
    SELECT f.tenant, f.journal, a.currency, sum(f.amount_minor) AS off_by, count(*) AS entries,
        bool_and(j.txid = pg_current_xact_id()) AS fresh, bool_and(a.tenant = j.tenant AND a.book = j.book) AS at_home
    INTO broken
    FROM fresh f
    LEFT JOIN ledger_journal j ON (j.tenant, j.id) = (f.tenant, f.journal)
    LEFT JOIN ledger_account a ON a.id = f.account
    GROUP BY f.tenant, f.journal, a.currency
    HAVING count(*) < 2 OR sum(f.amount_minor) <> 0
        OR bool_and(j.txid = pg_current_xact_id() AND a.tenant = j.tenant AND a.book = j.book) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        IF broken.fresh IS FALSE THEN
            RAISE EXCEPTION 'journal % is committed: no entry can be added to it', broken.journal
                USING ERRCODE = 'restrict_violation';
        END IF;
        RAISE EXCEPTION 'journal % does not balance: % off by % over % entries; accounts of its own tenant and book: %',
            broken.journal, broken.currency, broken.off_by, broken.entries, broken.at_home IS TRUE
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger_balance b SET available_minor = b.available_minor - moved.minor
    FROM (SELECT account, sum(amount_minor) AS minor FROM fresh GROUP BY account ORDER BY account) moved
    WHERE b.account = moved.account;
    RETURN NULL;
END $$;
CREATE TRIGGER take_entries AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_entries();

CREATE FUNCTION ledger_check_journal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.txid <> pg_current_xact_id() THEN
        RAISE EXCEPTION 'journal % names a transaction that is not its own', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = NEW.tenant AND e.journal = NEW.id) THEN
        RAISE EXCEPTION 'journal % does not balance: it has no entries', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER has_entries AFTER INSERT ON ledger_journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_check_journal();

-- Posting -----------------------------------------------------------------------------------------------------

CREATE FUNCTION ledger_lines(journal jsonb) RETURNS TABLE (k integer, code text, currency text, amount_minor bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT e.k::integer, e.row ->> 'account', e.row ->> 'currency',
        CASE WHEN (e.row ->> 'amount_minor')::bigint > 0 THEN
            CASE e.row ->> 'side' WHEN 'debit' THEN 1 WHEN 'credit' THEN -1 END * (e.row ->> 'amount_minor')::bigint
        END
    FROM jsonb_array_elements(journal -> 'entries') WITH ORDINALITY AS e (row, k)
$$;
COMMENT ON FUNCTION ledger_lines IS 'The entries of a journal; amount_minor is null where side or amount make no sense.';

-- Whether the accounts with a floor can afford the journals, in order, each against what the ones before it leave.
CREATE FUNCTION ledger_afford(statuses text[], l_n integer[], l_account bigint[], l_amount bigint[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    draws record;
    left_over jsonb := '{}';
BEGIN
    FOR draws IN
        SELECT b.account, b.available_minor FROM ledger_balance b WHERE b.account = ANY (l_account)
        ORDER BY b.account FOR UPDATE
    LOOP
        left_over := left_over || jsonb_build_object(draws.account, draws.available_minor);
    END LOOP;
    FOR draws IN
        SELECT m.n, jsonb_object_agg(m.account, m.minor) AS moves FROM (
            SELECT l.n, l.account, sum(l.amount) AS minor FROM unnest(l_n, l_account, l_amount) AS l (n, account, amount)
            WHERE left_over ? l.account::text GROUP BY 1, 2) m
        GROUP BY m.n ORDER BY m.n
    LOOP
        IF EXISTS (SELECT FROM jsonb_each_text(draws.moves) m WHERE (left_over ->> m.key)::bigint < m.value::bigint) THEN
            statuses[draws.n] := 'overdrawn';
        ELSE
            SELECT left_over || jsonb_object_agg(m.key, (left_over ->> m.key)::bigint - m.value::bigint) INTO left_over
            FROM jsonb_each_text(draws.moves) m;
        END IF;
    END LOOP;
    RETURN statuses;
END $$;

CREATE FUNCTION ledger_write(batch jsonb) RETURNS TABLE (n integer, status text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
    tenants text[]; ids text[];
    statuses text[]; details text[]; contents bytea[];
    l_n integer[]; l_k integer[]; l_account bigint[]; l_amount bigint[];
    floored boolean; missing boolean;
    fresh integer[];
    w_tenants text[]; w_ids text[];
BEGIN
    -- Each journal by itself, against the earlier ones of the batch, and against what is stored.
    SELECT array_agg(j.tenant ORDER BY j.n), array_agg(j.id ORDER BY j.n), array_agg(j.content ORDER BY j.n),
        array_agg(CASE
            WHEN j.unsound THEN 'invalid'
            WHEN j.broken IS NOT NULL THEN 'unbalanced'
            WHEN coalesce(s.content, j.first) = j.content AND (s.id IS NOT NULL OR j.again) THEN 'repeated'
            WHEN s.id IS NOT NULL OR j.again THEN 'differs'
            WHEN j.reverses IS NOT NULL AND NOT EXISTS (
                SELECT FROM ledger_journal r WHERE r.tenant = j.tenant AND r.id = j.reverses) THEN 'invalid'
            ELSE 'posted' END ORDER BY j.n),
        array_agg(CASE
            WHEN j.unsound THEN 'an entry is a debit or a credit of a positive amount on an account of the chart'
            WHEN j.broken IS NOT NULL THEN 'debits and credits differ: ' || j.broken
            WHEN j.reverses IS NOT NULL THEN 'reverses ' || j.reverses
            ELSE '' END ORDER BY j.n)
    INTO tenants, ids, contents, statuses, details
    FROM (
        SELECT o.*, first_value(o.content) OVER same AS first, row_number() OVER same > 1 AS again
        FROM (
            SELECT b.n, b.row ->> 'tenant' AS tenant, b.row ->> 'id' AS id, b.row ->> 'reverses' AS reverses, e.broken,
                (b.row ->> 'tenant' <> '' AND b.row ->> 'id' <> '' AND b.row ->> 'book' <> '' AND b.row ->> 'ref' <> ''
                    AND e.sound) IS NOT TRUE AS unsound,
                ledger_content(b.row ->> 'book', b.row ->> 'ref', b.row ->> 'reverses', b.row ->> 'group_id', e.lines)
                    AS content
            FROM jsonb_array_elements(batch) WITH ORDINALITY AS b (row, n)
            CROSS JOIN LATERAL (
                SELECT bool_and(c.sound) AS sound, string_agg(c.lines, E'\x1e' ORDER BY c.currency COLLATE "C") AS lines,
                    string_agg(concat_ws(' ', c.currency, 'off by', c.off_by), ', ')
                        FILTER (WHERE c.off_by <> 0 OR c.entries < 2) AS broken
                FROM (
                    SELECT l.currency, sum(l.amount_minor) AS off_by, count(*) AS entries,
                        bool_and(l.amount_minor IS NOT NULL AND l.currency ~ '^[A-Z]{3}$' AND length(l.code) <= 200
                            AND l.code ~ '^[1-9][0-9]{3}(/[^[:cntrl:]]+)?$') IS TRUE AS sound,
                        string_agg(concat_ws(' ', l.currency, l.code, l.amount_minor), E'\x1e'
                            ORDER BY l.code COLLATE "C", l.amount_minor) AS lines
                    FROM ledger_lines(b.row) l GROUP BY l.currency) c
            ) e
        ) o
        WINDOW same AS (PARTITION BY o.tenant, o.id ORDER BY o.n)
    ) j
    LEFT JOIN ledger_journal s ON s.tenant = j.tenant AND s.id = j.id;

    FOR attempt IN 1..2 LOOP
        SELECT array_agg(b.n::integer), array_agg(l.k), array_agg(a.id), array_agg(l.amount_minor),
            bool_or(f.code IS NOT NULL), bool_or(a.id IS NULL)
        INTO l_n, l_k, l_account, l_amount, floored, missing
        FROM jsonb_array_elements(batch) WITH ORDINALITY AS b (row, n)
        CROSS JOIN LATERAL ledger_lines(b.row) l
        LEFT JOIN ledger_account a ON a.tenant = b.row ->> 'tenant' AND a.book = b.row ->> 'book' AND a.code = l.code
            AND a.currency = l.currency
        LEFT JOIN ledger_floor f ON f.code = left(l.code, 4)
        WHERE statuses[b.n] = 'posted';
        EXIT WHEN missing IS NOT TRUE;
        -- Sorted, here and below, so that two transactions never wait for each other in a circle.
        INSERT INTO ledger_account (tenant, book, code, currency)
        SELECT DISTINCT b.row ->> 'tenant' COLLATE "C", b.row ->> 'book' COLLATE "C", l.code COLLATE "C",
            l.currency COLLATE "C"
        FROM jsonb_array_elements(batch) WITH ORDINALITY AS b (row, n) CROSS JOIN LATERAL ledger_lines(b.row) l
        WHERE statuses[b.n] = 'posted' AND NOT EXISTS (SELECT FROM ledger_account a WHERE a.tenant = b.row ->> 'tenant'
            AND a.book = b.row ->> 'book' AND a.code = l.code AND a.currency = l.currency)
        ORDER BY 1, 2, 3, 4
        ON CONFLICT DO NOTHING;
    END LOOP;

    IF floored THEN
        statuses := ledger_afford(statuses, l_n, l_account, l_amount);
    END IF;

    fresh := array_positions(statuses, 'posted');
    WITH written AS (
        INSERT INTO ledger_journal (tenant, id, book, ref, at, reverses, group_id, content, era)
        SELECT b.row ->> 'tenant', b.row ->> 'id', b.row ->> 'book', b.row ->> 'ref', (b.row ->> 'at')::timestamptz,
            b.row ->> 'reverses', b.row ->> 'group_id', b.content, (SELECT max(e.era) FROM ledger_era e)
        FROM ROWS FROM (jsonb_array_elements(batch), unnest(statuses), unnest(contents)) AS b (row, status, content)
        WHERE b.status = 'posted' ORDER BY b.row ->> 'tenant' COLLATE "C", b.row ->> 'id' COLLATE "C"
        ON CONFLICT DO NOTHING
        RETURNING tenant, id
    )
    SELECT array_agg(w.tenant), array_agg(w.id) INTO w_tenants, w_ids FROM written w;
    IF coalesce(cardinality(w_ids), 0) < coalesce(cardinality(fresh), 0) THEN
        SELECT array_agg(g) INTO fresh FROM unnest(fresh) g
        WHERE EXISTS (SELECT FROM unnest(w_tenants, w_ids) AS w (tenant, id)
            WHERE w.tenant = tenants[g] AND w.id = ids[g]);
    END IF;
    INSERT INTO ledger_entry (tenant, journal, n, account, amount_minor)
    SELECT tenants[l.n], ids[l.n], l.k, l.account, l.amount
    FROM unnest(l_n, l_k, l_account, l_amount) AS l (n, k, account, amount) WHERE l.n = ANY (fresh);

    -- Another transaction was faster with the same id: by now it has committed, so a second look tells what it wrote.
    FOR i IN 1 .. coalesce(cardinality(ids), 0) LOOP
        IF statuses[i] = 'posted' AND i <> ALL (coalesce(fresh, '{}')) THEN
            statuses[i] := (SELECT CASE WHEN s.content = contents[i] THEN 'repeated' ELSE 'differs' END
                FROM ledger_journal s WHERE s.tenant = tenants[i] AND s.id = ids[i]);
        END IF;
        RETURN QUERY SELECT i, statuses[i], CASE statuses[i]
            WHEN 'overdrawn' THEN 'an account with a floor would be overdrawn'
            WHEN 'differs' THEN 'exists with other content' ELSE details[i] END;
    END LOOP;
END $$;

CREATE FUNCTION ledger_post(batch jsonb) RETURNS TABLE (n integer, status text, detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    BEGIN
        RETURN QUERY SELECT w.n, w.status, w.detail FROM ledger_write(batch) w;
        RETURN;
    EXCEPTION
        WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN RAISE;
        WHEN OTHERS THEN NULL;
    END;
    -- Something in the batch cannot even be read: one by one, so that only that one fails.
    FOR i IN 1 .. jsonb_array_length(batch) LOOP
        BEGIN
            RETURN QUERY SELECT i, w.status, w.detail FROM ledger_write(jsonb_build_array(batch -> (i - 1))) w;
        EXCEPTION
            WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN RAISE;
            WHEN OTHERS THEN RETURN QUERY SELECT i, 'invalid', SQLERRM;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION ledger_post IS
    'Posts a JSON array of journals (fields of JournalRow) and says of each what became of it: posted, repeated (was there, same content), differs, unbalanced, overdrawn, invalid. What is refused never raises, so that one journal cannot abort the turns of others.';

-- Sealing -----------------------------------------------------------------------------------------------------

CREATE FUNCTION ledger_close(of_era integer, upto xid8) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    since xid8;
    sealed bigint;
BEGIN
    SELECT e.sealed_upto INTO since FROM ledger_era e WHERE e.era = of_era FOR UPDATE;
    IF upto <= since THEN
        RETURN 0;
    END IF;
    WITH batch AS (
        SELECT j.tenant, count(*) AS journals,
            string_agg(ledger_seal_of(j.id, j.at, j.txid, j.content), ''::bytea ORDER BY j.txid, j.id) AS seals
        FROM ledger_journal j WHERE j.era = of_era AND j.txid >= since AND j.txid < upto GROUP BY j.tenant
    ), link AS (
        INSERT INTO ledger_link (tenant, n, era, from_xid, upto_xid, journals, hash)
        SELECT b.tenant, coalesce(last.n, 0) + 1, of_era, since, upto, b.journals,
            ledger_link_hash(coalesce(last.hash, ''), b.tenant, coalesce(last.n, 0) + 1, of_era, since, upto, b.seals)
        FROM batch b LEFT JOIN LATERAL (
            SELECT l.n, l.hash FROM ledger_link l WHERE l.tenant = b.tenant ORDER BY l.n DESC LIMIT 1) last ON true
        RETURNING journals
    )
    SELECT coalesce(sum(link.journals), 0) INTO sealed FROM link;
    INSERT INTO ledger_total AS t (account, debit_minor, credit_minor)
    SELECT e.account, coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0),
        coalesce(-sum(e.amount_minor) FILTER (WHERE e.amount_minor < 0), 0)
    FROM ledger_journal j JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id)
    WHERE j.era = of_era AND j.txid >= since AND j.txid < upto
    GROUP BY e.account ORDER BY e.account
    ON CONFLICT (account) DO UPDATE SET debit_minor = t.debit_minor + excluded.debit_minor,
        credit_minor = t.credit_minor + excluded.credit_minor;
    UPDATE ledger_era SET sealed_upto = upto WHERE era = of_era;
    RETURN sealed;
END $$;

CREATE FUNCTION ledger_seal() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    -- Every transaction below the horizon has ended, so no journal can appear below it any more.
    RETURN ledger_close((SELECT max(era) FROM ledger_era), pg_snapshot_xmin(pg_current_snapshot()));
END $$;
COMMENT ON FUNCTION ledger_seal IS 'Adds a link to the chain of every tenant with new journals; returns how many were sealed.';

CREATE FUNCTION ledger_resume() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    current record;
    newest xid8;
BEGIN
    LOCK TABLE ledger_era IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO current FROM ledger_era ORDER BY era DESC LIMIT 1;
    SELECT j.txid INTO newest FROM ledger_journal j WHERE j.era = current.era ORDER BY j.txid DESC LIMIT 1;
    IF greatest(current.sealed_upto, newest) <= pg_snapshot_xmax(pg_current_snapshot()) THEN
        RETURN current.era;
    END IF;
    -- The past lies in the future: a dump was restored. A dump holds only what was committed, so all of it is sealed
    -- now, and the chains go on from their last links.
    PERFORM ledger_close(current.era, (greatest(current.sealed_upto, newest)::text::numeric + 1)::text::xid8);
    INSERT INTO ledger_era (era, sealed_upto) VALUES (current.era + 1, '0');
    RETURN current.era + 1;
END $$;
COMMENT ON FUNCTION ledger_resume IS 'Called before a node serves: begins a new era when transaction ids went back (a restored dump).';

-- Verifying ---------------------------------------------------------------------------------------------------

CREATE FUNCTION ledger_verify(of_tenant text DEFAULT NULL) RETURNS TABLE (tenant text, what text, subject text, detail text)
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
        format('the balance row says %s, the entries say %s', b.available_minor, s.available)
    FROM ledger_balance b JOIN ledger_account a ON a.id = b.account
    CROSS JOIN LATERAL (SELECT coalesce(-sum(e.amount_minor), 0) AS available FROM ledger_entry e WHERE e.account = a.id) s
    WHERE (of_tenant IS NULL OR a.tenant = of_tenant) AND s.available <> b.available_minor
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
COMMENT ON FUNCTION ledger_verify IS 'Everything about the ledger that does not add up; nothing when all is well.';

-- Rights ------------------------------------------------------------------------------------------------------

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'csms_app') THEN
        CREATE ROLE csms_app NOLOGIN;
    END IF;
EXCEPTION
    -- Another migration made it a moment ago, or this user may not make roles (a hosted database): then the
    -- owner runs the node, bound by the triggers, and `csms doctor` says so.
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END $$;

REVOKE ALL ON FUNCTION ledger_append_only, ledger_open_balance, ledger_take_entries, ledger_check_journal, ledger_lines,
    ledger_afford, ledger_write,
    ledger_post, ledger_close, ledger_seal, ledger_resume, ledger_verify FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'csms_app') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO csms_app', current_schema());
        GRANT SELECT ON ledger_floor, ledger_account, ledger_era, ledger_journal, ledger_entry, ledger_balance,
            ledger_total, ledger_link TO csms_app;
        GRANT EXECUTE ON FUNCTION ledger_post, ledger_seal, ledger_resume, ledger_verify TO csms_app;
    END IF;
END $$;
