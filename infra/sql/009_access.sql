-- Who gave whom a new password, and when. The password itself is nowhere in the database.
CREATE TABLE hub.credential_rotation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential text NOT NULL,
    server text NOT NULL CHECK (server IN ('broker', 'database', 'registry')),
    by_whom text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);
COMMENT ON TABLE hub.credential_rotation IS 'Only ever added to, by the owner; without completed_at: interrupted, and finished under a later number.';

-- Rows by organisation. Whoever reads on behalf of one agency or partner does so as hub_reader, says for whom with
-- `SET LOCAL hub.principal`, and sees the rows of that one alone; of nobody, when it was not said.
ALTER ROLE hub_reader SET default_transaction_read_only = on;
-- COPY is not possible under row-level security, and it builds all rows: it has rights on its own tables alone.
ALTER ROLE hub_projections BYPASSRLS;

CREATE FUNCTION hub.principal() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('hub.principal', true), '')
$$;
COMMENT ON FUNCTION hub.principal IS 'For whom hub_reader reads; null: for nobody.';

CREATE FUNCTION hub.close_rows(closed regclass, own text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', closed);
    EXECUTE format('CREATE POLICY of_the_hub ON %s TO hub_admin, hub_streams, hub_projections, hub_access '
        'USING (true) WITH CHECK (true)', closed);
    EXECUTE format('CREATE POLICY own_rows ON %s FOR SELECT TO hub_reader USING (%s)', closed, own);
END $$;
COMMENT ON FUNCTION hub.close_rows IS 'Shows hub_reader those rows of a table for which *own* holds, processes of the hub all that their rights allow.';

CREATE FUNCTION hub.close_schema(closed name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT c.oid::regclass AS relation, c.relkind,
            string_agg(quote_ident(a.attname) || ' = hub.principal()', ' OR ' ORDER BY a.attname)
                FILTER (WHERE a.attname <> 'audience') AS own,
            bool_or(a.attname = 'audience') AS to_audience
        FROM pg_class c
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('agency', 'to_agency', 'audience')
        WHERE c.relnamespace = closed::text::regnamespace AND c.relkind IN ('r', 'v')
        GROUP BY c.oid
    LOOP
        IF each.relkind = 'v' THEN
            EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', each.relation);
            EXECUTE format('GRANT SELECT ON %s TO hub_reader', each.relation);
        ELSIF each.own IS NOT NULL THEN
            IF each.to_audience AND EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = each.relation AND attname = 'outcome') THEN
                each.own := each.own || $o$ OR audience = hub.principal() AND outcome = 'RELEASED'$o$;
            END IF;
            PERFORM hub.close_rows(each.relation, each.own);
            EXECUTE format('GRANT SELECT ON %s TO hub_reader', each.relation);
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO hub_reader', closed);
END $$;
COMMENT ON FUNCTION hub.close_schema IS 'Shows hub_reader rows that an agency published or that address it, and to an audience what was released to it: never what was withheld. Of tables without an agency it sees nothing. Views look with the rights of whoever asks.';

GRANT USAGE ON SCHEMA hub TO hub_reader;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hub FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hub.principal TO hub_reader, hub_streams, hub_projections, hub_access;

-- What was built before is closed as well.
DO $$
DECLARE
    built name;
BEGIN
    FOR built IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^projection_.*_[0-9]+$' LOOP
        PERFORM hub.close_schema(built);
    END LOOP;
    FOR built IN SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'projections' AND c.relkind = 'v' LOOP
        EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', built);
        EXECUTE format('GRANT SELECT ON %s TO hub_reader', built);
    END LOOP;
END $$;
