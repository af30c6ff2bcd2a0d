-- How far the chain of each source has come; it advances in the transaction of the batch that it is about.
CREATE TABLE streams.chain (
    topic text NOT NULL,
    partition int NOT NULL,
    position bigint NOT NULL,
    entry bytea NOT NULL,
    statements bigint NOT NULL,
    statement bytea NOT NULL,
    stamped bigint NOT NULL DEFAULT 0,
    unstamped_since timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE streams.chain IS 'The last entry of the chain of a source, and the hash of the last statement about it.';
COMMENT ON COLUMN streams.chain.position IS 'Of the next entry.';
COMMENT ON COLUMN streams.chain.stamped IS 'So many statements are covered by a time-stamp of the authority.';
COMMENT ON COLUMN streams.chain.unstamped_since IS 'When the oldest statement without a time-stamp was made, by the clock of the database.';
GRANT SELECT, INSERT, UPDATE ON streams.chain TO hub_streams;

ALTER TABLE streams.seen_event ADD COLUMN chain_position bigint;
COMMENT ON COLUMN streams.seen_event.chain_position IS 'Where its answer is in the chain of its source; null of events that came before there was one.';
