-- A node works as the role csms_app (storage/migrate.py: `app_role`): it may write every table but the ledger's, which
-- it reaches through functions only (0002), and the schema's own version. Tables that later migrations add are open
-- to it as well, unless they say otherwise.

ALTER FUNCTION keep_partitions SECURITY DEFINER SET search_path FROM CURRENT;
REVOKE ALL ON FUNCTION keep_partitions FROM PUBLIC;

DO $$
DECLARE
    item text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'csms_app') THEN
        RETURN;
    END IF;
    FOR item IN
        SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname NOT LIKE 'ledger\_%' AND c.relname <> 'schema_version'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO csms_app', item);
    END LOOP;
    FOR item IN
        SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S' AND c.relname NOT LIKE 'ledger\_%'
    LOOP
        EXECUTE format('GRANT USAGE, SELECT, UPDATE ON SEQUENCE %s TO csms_app', item);
    END LOOP;
    GRANT SELECT ON schema_version TO csms_app;
    GRANT EXECUTE ON FUNCTION keep_partitions TO csms_app;
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO csms_app',
        current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO csms_app',
        current_schema());
    GRANT csms_app TO CURRENT_USER;
EXCEPTION
    -- The role belongs to somebody else's database on this server: the owner runs the node, bound by the triggers.
    WHEN insufficient_privilege THEN NULL;
END $$;
