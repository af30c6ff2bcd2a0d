-- Who asked what about which event or person: written before the answer, only ever added to.
CREATE TABLE vault.audit_asked (
    asked_at timestamptz NOT NULL DEFAULT now(),
    asked_by text NOT NULL,
    question text NOT NULL,
    about text NOT NULL
);
COMMENT ON TABLE vault.audit_asked IS 'Questions of hub explain, hub audit and hub agreement check; random ids alone.';
GRANT SELECT, INSERT ON vault.audit_asked TO hub_vault;
