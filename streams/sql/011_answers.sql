-- Questions that were asked on the ledger, and by when whom they address has to answer: ids, codes and moments alone.
CREATE TABLE streams.question (
    event_type text NOT NULL,
    reference uuid NOT NULL,
    asker text NOT NULL,
    addressee text NOT NULL,
    id uuid,
    agency text,
    asked_at timestamptz,
    warn_at timestamptz,
    breach_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    told text CHECK (told IN ('WARNED', 'OVERDUE')),
    PRIMARY KEY (reference, event_type, asker, addressee),
    CHECK (num_nulls(id, agency, asked_at, warn_at, breach_at) IN (0, 5))
);
CREATE INDEX question_open ON streams.question (warn_at)
    WHERE asked_at IS NOT NULL AND answered_at IS NULL AND ended_at IS NULL;
CREATE INDEX question_id ON streams.question (id);
COMMENT ON TABLE streams.question IS 'Each question of the ledger, once for whom it addresses; without an id only its answer or end has been read.';
COMMENT ON COLUMN streams.question.event_type IS 'Of the event that asks.';
COMMENT ON COLUMN streams.question.asker IS 'Whom an answer names: the agency that asks, or its state.';
COMMENT ON COLUMN streams.question.addressee IS 'Who has to answer: an agency, or the code of a state.';
COMMENT ON COLUMN streams.question.asked_at IS 'When the hub accepted it; answers and ends have such moments too.';
COMMENT ON COLUMN streams.question.told IS 'What was told of the limit, so that nothing is told twice.';

GRANT SELECT, INSERT, UPDATE ON streams.question TO hub_streams;
