-- Public keys to which agencies seal what they publish. The private half is vault.secret 'arrival:<key_id>', wrapped as
-- every key of the vault; a key that is no longer offered still opens what was sealed to it.
CREATE TABLE vault.arrival_key (
    key_id uuid PRIMARY KEY,
    public_key bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.arrival_key IS 'X25519 public keys of the hub; the youngest is offered, and one is made each month.';
GRANT SELECT, INSERT ON vault.arrival_key TO hub_vault;
