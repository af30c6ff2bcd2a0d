-- One person under several ids, erasure, and how every process learns that a key is gone.
ALTER TABLE vault.subject
    ADD COLUMN same_as uuid REFERENCES vault.subject CHECK (same_as <> subject_id),
    ADD COLUMN destroyed_at timestamptz;
COMMENT ON COLUMN vault.subject.same_as IS 'The oldest id of the same person, always directly; null for that one itself.';
CREATE INDEX subject_same_as ON vault.subject (same_as) WHERE same_as IS NOT NULL;

CREATE TABLE vault.shredding (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint NOT NULL
);
INSERT INTO vault.shredding (generation) VALUES (0);
COMMENT ON TABLE vault.shredding IS 'One more with every erasure: what was unwrapped under another number is not used any more.';

GRANT SELECT, UPDATE ON vault.shredding TO hub_vault;
