-- Break-glass: every act is a row, chained by hash to the one before. Rows are only ever added, whoever asks: not even the
-- owner changes one in passing. Who takes the trigger away leaves the topic `audit` behind, which says what was there.
CREATE TABLE vault.breakglass (
    number bigint PRIMARY KEY,
    access_id uuid NOT NULL,
    act text NOT NULL CHECK (act IN ('REQUESTED', 'APPROVED', 'OPENED', 'REVIEWED')),
    by_whom text NOT NULL,
    at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    reason text NOT NULL,
    ground text NOT NULL,
    restricted boolean NOT NULL,
    until timestamptz,
    review_by timestamptz,
    finding text NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    digest bytea NOT NULL
);
COMMENT ON TABLE vault.breakglass IS 'Who asked to see an event, who agreed, each look at it, and the review; only ever added to.';
COMMENT ON COLUMN vault.breakglass.digest IS 'SHA-256 over the digest of the row before and this row.';

CREATE FUNCTION vault.only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only ever added to';
END $$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON vault.breakglass
    FOR EACH STATEMENT EXECUTE FUNCTION vault.only_added_to();
ALTER TABLE vault.breakglass ENABLE ALWAYS TRIGGER only_added_to;
GRANT SELECT, INSERT ON vault.breakglass TO hub_vault;
