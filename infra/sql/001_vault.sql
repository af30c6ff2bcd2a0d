-- The key vault. Only the role hub_vault reads it. Nothing here tells who a person is:
-- references are looked up by a keyed hash, keys are wrapped by the key encryption key, which is not in the database.
CREATE SCHEMA vault AUTHORIZATION hub_admin;

CREATE TABLE vault.secret (
    name text PRIMARY KEY,
    wrapped bytea NOT NULL
);
COMMENT ON TABLE vault.secret IS 'Keys of the hub itself: the lookup key, and one pseudonym key per recipient and year.';

CREATE TABLE vault.subject (
    subject_id uuid PRIMARY KEY,
    wrapped_secret bytea,
    restricted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN vault.subject.restricted IS 'A restricted note was seen once: from then on every event shows an anonymous number.';
COMMENT ON COLUMN vault.subject.wrapped_secret IS 'Random secret behind every pseudonym of the person; null once erased.';

CREATE TABLE vault.subject_reference (
    agency text NOT NULL,
    reference_mac bytea NOT NULL,
    subject_id uuid NOT NULL REFERENCES vault.subject,
    PRIMARY KEY (agency, reference_mac)
);
COMMENT ON TABLE vault.subject_reference IS 'Which person an agency means by a reference; the reference itself is only here as a keyed hash.';

CREATE TABLE vault.case_reference (
    agency text NOT NULL,
    reference_mac bytea NOT NULL,
    case_id uuid NOT NULL,
    PRIMARY KEY (agency, reference_mac)
);

CREATE TABLE vault.data_key (
    kid uuid PRIMARY KEY,
    holder text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    UNIQUE (holder, recipient)
);
COMMENT ON COLUMN vault.data_key.holder IS 'subject:<subject_id> or agency:<agency>.';
COMMENT ON COLUMN vault.data_key.recipient IS 'Empty for the ledger, else the partner whose feed the key opens.';
COMMENT ON COLUMN vault.data_key.subject IS 'The subject as written on that channel: subject_id, agency, or pseudonym.';

GRANT USAGE ON SCHEMA vault TO hub_vault;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA vault TO hub_vault;
