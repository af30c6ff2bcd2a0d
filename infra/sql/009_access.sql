-- Who gave whom a new password, and when. The password itself is nowhere in the database.
CREATE TABLE hub.credential_rotation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential text NOT NULL,
    server text NOT NULL CHECK (server IN ('broker', 'database', 'registry')),
    by_whom text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);
COMMENT ON TABLE hub.credential_rotation IS 'Only ever added to, by the owner; without completed_at: interrupted, and finished under a later number.';
