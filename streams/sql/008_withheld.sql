-- What was withheld and may yet be released: decided again when control changes, and gone once it was released.
CREATE TABLE streams.withheld (
    ledger_partition int NOT NULL,
    ledger_offset bigint NOT NULL,
    audience text NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    agency text NOT NULL,
    reasons text[] NOT NULL,
    decided_at timestamptz NOT NULL,
    due text,
    PRIMARY KEY (ledger_partition, ledger_offset, audience)
);
COMMENT ON COLUMN streams.withheld.due IS 'Why it has to be decided again: CONTROL_CHANGED or TIME; null while nothing changed.';
CREATE INDEX withheld_due ON streams.withheld (ledger_partition, ledger_offset) WHERE due IS NOT NULL;
CREATE INDEX withheld_event ON streams.withheld (event_id);
CREATE INDEX withheld_audience ON streams.withheld (audience, agency);

CREATE TABLE streams.reviewing (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL DEFAULT 0,
    is_under_way boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN streams.reviewing.position IS 'The newest state of control and clock that anything was marked by.';
COMMENT ON COLUMN streams.reviewing.is_under_way IS 'Whether a record of the topic reviews is still to be read.';
INSERT INTO streams.reviewing DEFAULT VALUES;

GRANT SELECT, INSERT, UPDATE, DELETE ON streams.withheld TO hub_streams;
GRANT SELECT, UPDATE ON streams.reviewing TO hub_streams;
