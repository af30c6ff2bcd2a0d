-- Who had a signature of an event checked: its signed original is opened for that, in memory.
CREATE TABLE vault.signature_checked (
    event_id uuid NOT NULL,
    checked_by text NOT NULL,
    reason text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.signature_checked IS 'Written before the original is opened; only ever added to.';
GRANT SELECT, INSERT ON vault.signature_checked TO hub_vault;
