-- The clock of a simulated home; a real home has no row and uses the system's clock.
CREATE TABLE hub.clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    now_at timestamptz NOT NULL
);
GRANT USAGE ON SCHEMA hub TO hub_streams, hub_projections, hub_access;
GRANT SELECT ON hub.clock TO hub_streams, hub_projections, hub_access;
