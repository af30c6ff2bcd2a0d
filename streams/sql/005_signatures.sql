-- With which key each accepted event was signed: what a key signed that is in doubt since is found by it.
ALTER TABLE streams.seen_event ADD COLUMN signed_by text;
COMMENT ON COLUMN streams.seen_event.signed_by IS 'Id of the signing key, null for an event that came unsigned.';
