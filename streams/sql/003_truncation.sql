-- How far the plaintext that agencies published has been deleted, and where the last marker stands.
CREATE TABLE streams.truncation (
    topic text NOT NULL,
    partition int NOT NULL,
    truncated_to bigint NOT NULL DEFAULT 0,
    marked_end bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN streams.truncation.truncated_to IS 'Records before this offset were deleted: intake has committed them.';
COMMENT ON COLUMN streams.truncation.marked_end IS 'End of the topic after the last marker: while it ends there, nothing in clear is in its last segment.';
GRANT SELECT, INSERT, UPDATE ON streams.truncation TO hub_streams;
