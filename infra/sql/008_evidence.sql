-- The keys with which the hub signs what it answered. The private halves are secrets of the vault, by name.
CREATE TABLE vault.evidence_key (
    name uuid PRIMARY KEY,
    key_id text NOT NULL,
    public_key bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.evidence_key IS 'Public keys of the hub; the youngest signs, all verify. None is ever deleted.';
GRANT SELECT, INSERT ON vault.evidence_key TO hub_vault;
