-- Key encryption keys by id. Which of them may wrap a row is a foreign key: of one that is not live no row is left,
-- and no process, however old what it remembers, can write one. Only then is it destroyed.
CREATE TABLE vault.kek (
    kek_id text PRIMARY KEY,
    live boolean NOT NULL DEFAULT true,
    known_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    destroyed_at timestamptz,
    UNIQUE (kek_id, live),
    CHECK (live = (retired_at IS NULL)),
    CHECK (destroyed_at IS NULL OR NOT live)
);
COMMENT ON TABLE vault.kek IS 'Rows stay: an id that was retired never becomes live again.';
INSERT INTO vault.kek (kek_id) VALUES ('unnamed');

ALTER TABLE vault.data_key
    ADD COLUMN kek_id text DEFAULT 'unnamed',
    ADD COLUMN kek_live boolean NOT NULL DEFAULT true CHECK (kek_live),
    ADD FOREIGN KEY (kek_id, kek_live) REFERENCES vault.kek (kek_id, live),
    ADD CHECK (wrapped IS NULL OR kek_id IS NOT NULL);
ALTER TABLE vault.subject
    ADD COLUMN kek_id text DEFAULT 'unnamed',
    ADD COLUMN kek_live boolean NOT NULL DEFAULT true CHECK (kek_live),
    ADD FOREIGN KEY (kek_id, kek_live) REFERENCES vault.kek (kek_id, live),
    ADD CHECK (wrapped_secret IS NULL OR kek_id IS NOT NULL);
ALTER TABLE vault.secret
    ADD COLUMN kek_id text NOT NULL DEFAULT 'unnamed',
    ADD COLUMN kek_live boolean NOT NULL DEFAULT true CHECK (kek_live),
    ADD FOREIGN KEY (kek_id, kek_live) REFERENCES vault.kek (kek_id, live);
COMMENT ON COLUMN vault.data_key.kek_id IS 'What wrapped it; unnamed: before key encryption keys had ids; null once destroyed.';

GRANT SELECT, INSERT, UPDATE ON vault.kek TO hub_vault;
