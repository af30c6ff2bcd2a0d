-- How far each event and each recall has come on its way to each partner: ids, moments and offsets alone.
CREATE TABLE streams.delivery (
    recipient text NOT NULL,
    id uuid NOT NULL,
    about text NOT NULL CHECK (about IN ('EVENT', 'RECALL')),
    event_type text NOT NULL,
    agency text,
    outcome text NOT NULL CHECK (outcome IN ('RELEASED', 'WITHHELD')),
    reasons text[] NOT NULL DEFAULT '{}',
    decided_at timestamptz NOT NULL,
    delivered_at timestamptz,
    finished_at timestamptz,
    delivery_warn_at timestamptz,
    delivery_breach_at timestamptz,
    finish_warn_at timestamptz,
    finish_breach_at timestamptz,
    delivery_told text CHECK (delivery_told IN ('WARNED', 'OVERDUE')),
    finish_told text CHECK (finish_told IN ('WARNED', 'OVERDUE')),
    PRIMARY KEY (id, recipient)
);
CREATE INDEX delivery_open ON streams.delivery (delivery_warn_at) WHERE delivered_at IS NULL AND outcome = 'RELEASED';
CREATE INDEX delivery_unfinished ON streams.delivery (finish_warn_at) WHERE finished_at IS NULL AND outcome = 'RELEASED';
COMMENT ON TABLE streams.delivery IS 'The ladder of each event and recall for each partner that was decided about.';
COMMENT ON COLUMN streams.delivery.decided_at IS 'Of what was released this is when it was relayed: both are one transaction. Of a recall, when it was ordered.';
COMMENT ON COLUMN streams.delivery.finished_at IS 'When an event was retrieved, or a recall applied.';
COMMENT ON COLUMN streams.delivery.delivery_told IS 'What was told of the limit, so that nothing is told twice.';

CREATE TABLE streams.feed_record (
    recipient text NOT NULL,
    feed_offset bigint NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (recipient, feed_offset)
);
CREATE INDEX feed_record_id ON streams.feed_record (id, recipient);
COMMENT ON TABLE streams.feed_record IS 'Which event or recall is at which offset of a feed: what an acknowledgement must name.';

CREATE TABLE streams.acknowledgement_waiting (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient text NOT NULL,
    acknowledgement_offset bigint NOT NULL,
    position int NOT NULL,
    feed_offset bigint NOT NULL,
    id uuid NOT NULL,
    step text NOT NULL,
    said_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL
);
CREATE INDEX acknowledgement_waiting_record ON streams.acknowledgement_waiting (recipient, feed_offset);
COMMENT ON TABLE streams.acknowledgement_waiting IS 'Acknowledgements whose record of the feed, or decision, has not been read yet.';

CREATE TABLE streams.acknowledgement_refused (
    recipient text NOT NULL,
    acknowledgement_offset bigint NOT NULL,
    position int NOT NULL,
    feed_offset bigint,
    rule text NOT NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (recipient, acknowledgement_offset, position)
);
COMMENT ON TABLE streams.acknowledgement_refused IS 'Acknowledgements that moved nothing; what they named is not kept.';

GRANT SELECT, INSERT, UPDATE ON streams.delivery TO hub_streams;
GRANT SELECT, INSERT ON streams.feed_record, streams.acknowledgement_refused TO hub_streams;
GRANT SELECT, INSERT, DELETE ON streams.acknowledgement_waiting TO hub_streams;
