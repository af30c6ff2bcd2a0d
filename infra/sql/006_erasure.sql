-- Erasure: who asked, who agreed, what holds it up, and how far it is. Random ids, operators, codes; nothing of a person.
CREATE TABLE vault.legal_hold (
    subject_id uuid PRIMARY KEY REFERENCES vault.subject,
    reason text NOT NULL,
    held_by text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.legal_hold IS 'Persons whose data must be kept for proceedings: no erasure of any id of theirs is agreed to.';

CREATE TABLE vault.legal_hold_ended (
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    held_by text NOT NULL,
    held_at timestamptz NOT NULL,
    ended_reason text NOT NULL,
    ended_by text NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vault.erasure (
    erasure_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    approved_by text CHECK (approved_by <> requested_by),
    approved_at timestamptz,
    keys int,
    keys_hash text,
    partners text[],
    ledger_ends bigint[],
    completed_at timestamptz,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (completed_at IS NULL OR approved_at IS NOT NULL)
);
CREATE UNIQUE INDEX erasure_once ON vault.erasure (subject_id) WHERE completed_at IS NULL;
COMMENT ON COLUMN vault.erasure.approved_by IS 'Another person than who asked: the database refuses the same.';

CREATE TABLE vault.declared_same (
    subject_id uuid NOT NULL,
    same_as uuid NOT NULL,
    reason text NOT NULL,
    declared_by text NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.declared_same IS 'Two ids that an operator said are one person; what referrals carry on is not here.';

GRANT SELECT, INSERT ON vault.declared_same TO hub_vault;
GRANT SELECT, INSERT, DELETE ON vault.legal_hold TO hub_vault;
GRANT SELECT, INSERT ON vault.legal_hold_ended TO hub_vault;
GRANT SELECT, INSERT, UPDATE ON vault.erasure TO hub_vault;
