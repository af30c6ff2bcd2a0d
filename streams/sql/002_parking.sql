-- Parked records that operators see, try again and discard; retries that leave exactly once; records that end the process.

ALTER TABLE streams.parked
    ADD COLUMN attempts int NOT NULL DEFAULT 1,
    ADD COLUMN tried int NOT NULL DEFAULT 0,
    ADD COLUMN requested text CHECK (requested IN ('retry', 'discard')),
    ADD COLUMN requested_by text,
    ADD COLUMN reason text;
CREATE INDEX ON streams.parked (processor, topic, partition, sequence_key, "offset");
COMMENT ON COLUMN streams.parked.sequence_key IS 'Key of the record; empty without one. Of the ledger a random id of the case.';
COMMENT ON COLUMN streams.parked.tried IS 'How often what is asked was begun and not finished: a worker that dies leaves no error.';
COMMENT ON COLUMN streams.parked.requested IS 'What an operator wants done; the owner of the partition does it.';

CREATE TABLE streams.parking_audit (
    at timestamptz NOT NULL DEFAULT now(),
    processor text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    action text NOT NULL,
    code text NOT NULL DEFAULT '',
    by_whom text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX ON streams.parking_audit (processor, topic, partition, "offset");
COMMENT ON TABLE streams.parking_audit IS 'What became of every record that was ever parked, and who asked for it; only ever added to.';

ALTER TABLE streams.checkpoint
    ADD COLUMN retries bigint NOT NULL DEFAULT 0,
    ADD COLUMN owner bigint NOT NULL DEFAULT 0,
    ADD COLUMN starts int NOT NULL DEFAULT 0,
    ADD COLUMN trying_offset bigint,
    ADD COLUMN tried int NOT NULL DEFAULT 0;
COMMENT ON COLUMN streams.checkpoint.retries IS 'Parked records that were released; Kafka has the number that it knows of as metadata of the offset.';
COMMENT ON COLUMN streams.checkpoint.owner IS 'Number of the owner: one more with each recovery; who finds another one writes nothing.';
COMMENT ON COLUMN streams.checkpoint.starts IS 'Owners that started here without getting any further.';
COMMENT ON COLUMN streams.checkpoint.trying_offset IS 'Record that was begun by itself and not finished.';

ALTER TABLE streams.outbox ADD COLUMN retry bigint NOT NULL DEFAULT 0;
ALTER TABLE streams.outbox DROP CONSTRAINT outbox_pkey;
ALTER TABLE streams.outbox ADD PRIMARY KEY (processor, topic, partition, next_offset, retry, position);
COMMENT ON COLUMN streams.outbox.retry IS 'Number of the retry that the output belongs to; 0 for one of a batch.';

GRANT SELECT, INSERT ON streams.parking_audit TO hub_streams;
