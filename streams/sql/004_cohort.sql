-- What waits for its cohort, and what may never leave again. Rows are sealed under the key of the person.
ALTER TABLE streams.outbox ADD COLUMN timestamp_ms bigint;

CREATE TABLE streams.cohort (
    population text PRIMARY KEY,
    version text NOT NULL,
    layout text NOT NULL,
    rule jsonb NOT NULL,
    next_position bigint NOT NULL,
    tick bigint,
    ticker bigint NOT NULL,
    suppressed jsonb NOT NULL,
    recent jsonb NOT NULL,
    awaited jsonb,
    halted text NOT NULL,
    ledger_digest text NOT NULL,
    first_tick bigint,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN streams.cohort.version IS 'Random, new with every change: whoever remembers the state knows whether it is still that.';
COMMENT ON COLUMN streams.cohort.ledger_digest IS 'SHA-256 of the newest entry of the release ledger.';

CREATE TABLE streams.cohort_row (
    population text NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    agencies text[] NOT NULL,
    kid text NOT NULL,
    ct bytea NOT NULL,
    arrived bigint NOT NULL,
    position bigint NOT NULL,
    number int NOT NULL,
    PRIMARY KEY (population, subject_id, kind)
);
COMMENT ON TABLE streams.cohort_row IS 'Rows that wait; what they say is sealed under the key of the person.';

CREATE TABLE streams.cohort_person (
    population text NOT NULL,
    subject_id uuid NOT NULL,
    kid text NOT NULL,
    ct bytea NOT NULL,
    PRIMARY KEY (population, subject_id)
);
COMMENT ON TABLE streams.cohort_person IS 'By what a person is grouped, frozen when first told of; sealed under the key of the person.';

CREATE TABLE streams.cohort_batch (
    population text NOT NULL,
    tick bigint NOT NULL,
    tier text NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (population, tick, tier)
);
COMMENT ON TABLE streams.cohort_batch IS 'Batches of later tiers, whose time has not come: made with the first, never again.';

CREATE TABLE streams.cohort_spent (
    population text NOT NULL,
    mark bytea NOT NULL,
    PRIMARY KEY (population, mark)
);
COMMENT ON TABLE streams.cohort_spent IS 'Keyed hashes of rows that left or were suppressed.';

CREATE TABLE streams.cohort_entry (
    population text NOT NULL,
    tick bigint NOT NULL,
    digest text NOT NULL,
    classes int NOT NULL,
    persons int NOT NULL,
    smallest int,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (population, tick)
);
COMMENT ON TABLE streams.cohort_entry IS 'Entries of the release ledger in brief; the topic `cohorts` has them whole.';

CREATE TABLE streams.cohort_notice (
    population text NOT NULL,
    told text NOT NULL,
    detail text NOT NULL DEFAULT '',
    times bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (population, told, detail)
);
COMMENT ON TABLE streams.cohort_notice IS 'What an operator should know of a population; codes only.';

CREATE TABLE streams.ticker (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    term bigint NOT NULL,
    tick bigint
);
COMMENT ON TABLE streams.ticker IS 'Whose turn it is to write days, and the last day written.';

GRANT SELECT, INSERT, UPDATE, DELETE ON streams.cohort, streams.cohort_row, streams.cohort_batch TO hub_streams;
GRANT UPDATE ON streams.cohort_person TO hub_streams;
GRANT SELECT, INSERT ON streams.cohort_person, streams.cohort_spent, streams.cohort_entry TO hub_streams;
GRANT SELECT, INSERT, UPDATE ON streams.cohort_notice, streams.ticker TO hub_streams;

CREATE TABLE streams.cohort_totals (
    population text PRIMARY KEY,
    ct bytea NOT NULL
);
COMMENT ON TABLE streams.cohort_totals IS 'State of the weekly totals, sealed under a key of the hub: it holds exact counts.';

CREATE TABLE streams.cohort_counted (
    population text NOT NULL,
    mark bytea NOT NULL,
    PRIMARY KEY (population, mark)
);
COMMENT ON TABLE streams.cohort_counted IS 'Keyed hashes of persons whom a table of totals has counted.';

CREATE TABLE streams.cohort_list (
    population text NOT NULL,
    subject_id uuid NOT NULL,
    agency text NOT NULL,
    left_year int,
    PRIMARY KEY (population, subject_id, agency)
);
COMMENT ON TABLE streams.cohort_list IS 'On whose lists identified persons are, and in which year their row left; gone when the table of the year was told.';

GRANT SELECT, INSERT, UPDATE ON streams.cohort_totals TO hub_streams;
GRANT SELECT, INSERT ON streams.cohort_counted TO hub_streams;
GRANT SELECT, INSERT, UPDATE, DELETE ON streams.cohort_list TO hub_streams;
