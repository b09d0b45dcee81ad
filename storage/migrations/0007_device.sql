-- Variables that a station no longer has leave the read model, and a vault row without a key is the end of its secret.

CREATE OR REPLACE FUNCTION write_variable(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    WITH last AS MATERIALIZED (
        SELECT DISTINCT ON (r.tenant COLLATE "C", r.station COLLATE "C", r.component COLLATE "C",
                coalesce(r.component_instance, '') COLLATE "C", r.variable COLLATE "C",
                coalesce(r.variable_instance, '') COLLATE "C", coalesce(r.evse, -1), coalesce(r.connector, -1))
            r.tenant, r.station, r.component, r.component_instance, r.variable, r.variable_instance, r.evse, r.connector,
            r.attributes, r.characteristics, r.key_1_6, r.deleted, b.actor, b.seq
        FROM unnest(actors, seqs, bodies) WITH ORDINALITY AS b (actor, seq, body, n),
            json_to_record(b.body) AS r (tenant text, station text, component text, component_instance text, variable text,
                variable_instance text, evse integer, connector integer, attributes jsonb, characteristics jsonb, key_1_6 text,
                deleted boolean)
        ORDER BY r.tenant COLLATE "C", r.station COLLATE "C", r.component COLLATE "C",
            coalesce(r.component_instance, '') COLLATE "C", r.variable COLLATE "C",
            coalesce(r.variable_instance, '') COLLATE "C", coalesce(r.evse, -1), coalesce(r.connector, -1), b.n DESC
    ), gone AS (
        DELETE FROM variable t USING last l
        WHERE l.deleted AND t.tenant = l.tenant AND t.station = l.station AND t.component = l.component
            AND coalesce(t.component_instance, '') = coalesce(l.component_instance, '') AND t.variable = l.variable
            AND coalesce(t.variable_instance, '') = coalesce(l.variable_instance, '')
            AND coalesce(t.evse, -1) = coalesce(l.evse, -1) AND coalesce(t.connector, -1) = coalesce(l.connector, -1)
            AND (t.actor <> l.actor OR t.applied_seq < l.seq)
    )
    INSERT INTO variable AS t (tenant, station, component, component_instance, variable, variable_instance, evse, connector,
        attributes, characteristics, key_1_6, actor, applied_seq)
    SELECT l.tenant, l.station, l.component, l.component_instance, l.variable, l.variable_instance, l.evse, l.connector,
        l.attributes, l.characteristics, l.key_1_6, l.actor, l.seq
    FROM last l WHERE NOT coalesce(l.deleted, false)
    ON CONFLICT (tenant, station, component, coalesce(component_instance, ''), variable, coalesce(variable_instance, ''),
        coalesce(evse, -1), coalesce(connector, -1)) DO UPDATE
    SET attributes = excluded.attributes, characteristics = coalesce(excluded.characteristics, t.characteristics),
        key_1_6 = coalesce(excluded.key_1_6, t.key_1_6), actor = excluded.actor, applied_seq = excluded.applied_seq
    WHERE t.actor <> excluded.actor OR t.applied_seq < excluded.applied_seq;
    RETURN NULL;
END $$;

-- Sealing writes cell and key; a row with neither erases both.
CREATE OR REPLACE FUNCTION write_vault(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    WITH told AS MATERIALIZED (
        SELECT DISTINCT ON (r.tenant COLLATE "C", r.ref COLLATE "C", r.kind COLLATE "C") r.tenant, r.ref, r.kind,
            decode(r.blind, 'base64') AS blind, decode(r.cell, 'base64') AS cell, decode(r.key, 'base64') AS key
        FROM unnest(bodies) WITH ORDINALITY AS b (body, n),
            json_to_record(b.body) AS r (tenant text, ref text, kind text, blind text, cell text, key text)
        WHERE r.key <> '' OR r.cell = ''
        ORDER BY r.tenant COLLATE "C", r.ref COLLATE "C", r.kind COLLATE "C", b.n DESC
    ), no_keys AS (
        DELETE FROM vault_key t USING told s WHERE s.key = '' AND (t.tenant, t.ref, t.kind) = (s.tenant, s.ref, s.kind)
    ), no_cells AS (
        DELETE FROM vault t USING told s WHERE s.key = '' AND (t.tenant, t.ref, t.kind) = (s.tenant, s.ref, s.kind)
    ), keys AS (
        INSERT INTO vault_key (tenant, ref, kind, key) SELECT s.tenant, s.ref, s.kind, s.key FROM told s WHERE s.key <> ''
        ON CONFLICT (tenant, ref, kind) DO UPDATE SET key = excluded.key
    )
    INSERT INTO vault (tenant, ref, kind, blind, cell) SELECT s.tenant, s.ref, s.kind, s.blind, s.cell FROM told s
    WHERE s.key <> ''
    ON CONFLICT (tenant, ref, kind) DO UPDATE SET blind = excluded.blind, cell = excluded.cell;
    RETURN NULL;
END $$;
