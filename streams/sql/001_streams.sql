-- State of the processors. No personal value in clear is ever in these tables.
CREATE SCHEMA streams AUTHORIZATION hub_admin;

CREATE TABLE streams.checkpoint (
    processor text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (processor, topic, partition)
);
COMMENT ON COLUMN streams.checkpoint.first_offset IS 'Where the processor began; equal to next_offset until the first batch.';

CREATE TABLE streams.outbox (
    processor text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    position int NOT NULL,
    target text NOT NULL,
    target_partition int NOT NULL,
    key bytea,
    value bytea NOT NULL,
    PRIMARY KEY (processor, topic, partition, next_offset, position)
);
COMMENT ON TABLE streams.outbox IS 'Outputs of a batch, stored with its checkpoint; gone once Kafka has committed them.';

CREATE TABLE streams.parked (
    processor text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    sequence_key bytea NOT NULL,
    code text NOT NULL,
    advice text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (processor, topic, partition, "offset")
);
COMMENT ON TABLE streams.parked IS 'Records that could not be processed, and later ones of the same key that wait behind them; the record itself stays in its topic.';

CREATE TABLE streams.partition_state (
    processor text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    state text NOT NULL,
    code text NOT NULL DEFAULT '',
    advice text NOT NULL DEFAULT '',
    seen_offset bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (processor, topic, partition)
);
COMMENT ON COLUMN streams.partition_state.seen_offset IS 'Position of the reader when it last found nothing to do; transaction markers count in it.';
COMMENT ON TABLE streams.partition_state IS 'What each processor does on each partition: running, waiting (for what), halted (with advice).';

CREATE TABLE streams.seen_event (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    content_mac bytea NOT NULL,
    source_offset bigint NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (agency, event_id)
);
COMMENT ON TABLE streams.seen_event IS 'Duplicate check of intake: the content only as a keyed hash.';

CREATE TABLE streams.worker (
    worker_id uuid PRIMARY KEY,
    pid int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA streams TO hub_streams, hub_projections;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA streams TO hub_streams;
