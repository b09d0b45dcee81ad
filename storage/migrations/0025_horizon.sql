-- The horizon: the transaction id below which no row of ours can still appear. `pg_snapshot_xmin` alone says that of the
-- whole server: a long transaction in somebody else's database beside ours, or an autovacuum worker, would hold up the
-- ledger's seal, the event feed and the cards of every node for as long as it takes.

-- Transactions that run, without those of which it is known that they cannot write here: of another database, or of a
-- server process that works for no user. They are looked up *before* the snapshot is taken, since a transaction never
-- changes its database: whoever counted for nothing once does so to his end, and the horizon never goes back. A
-- transaction that cannot be told (it began just now) counts as ours. To be asked in a statement of its own, before the
-- one that reads below it.
CREATE FUNCTION horizon() RETURNS xid8 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    seen      pg_snapshot := pg_current_snapshot();
    strangers xid[];
    found     xid8;
BEGIN
    IF pg_snapshot_xmin(seen) < pg_snapshot_xmax(seen) THEN
        -- What a transaction has seen of the activity it sees for good, and a login under way shows neither user nor database.
        PERFORM pg_stat_clear_snapshot();
        SELECT array_agg(l.transactionid) INTO strangers
        FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = l.transactionid
        WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
          AND (a.datname <> current_database() OR a.usesysid IS NULL AND a.backend_type <> 'client backend'
               OR p.database <> current_database());
        seen := pg_current_snapshot();
    END IF;
    SELECT x INTO found FROM pg_snapshot_xip(seen) AS x WHERE x::xid <> ALL (coalesce(strangers, '{}')) ORDER BY x LIMIT 1;
    RETURN least(found, pg_snapshot_xmax(seen), pg_current_xact_id_if_assigned());
END $$;
COMMENT ON FUNCTION horizon IS 'The transaction id below which every transaction of this database has ended.';

CREATE OR REPLACE FUNCTION ledger_seal() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    -- Every transaction below the horizon has ended, so no journal can appear below it any more.
    RETURN ledger_close((SELECT max(era) FROM ledger_era), horizon());
END $$;

-- Partitions with a bound on the wait for a table, in one statement: a node that stalls in the middle of its chore, or
-- is cut off, must not sit on a lock that all commits wait behind.
CREATE FUNCTION keep_partitions(which text, moment timestamptz, patience_ms integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience_ms::text, true);
    RETURN keep_partitions(which, moment);
END $$;
