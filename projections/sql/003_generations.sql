-- Generations: each build of a projection has tables of its own, in a schema projection_<name>_<generation>, made from
-- projections/<name>.sql. What readers see in the schema `projections` are views of the live one. The tables of before
-- go: every projection is folded again from the beginning of its topics.

DROP TABLE projections.national_case, projections.national_case_event, projections.national_case_subject,
    projections.national_case_agency, projections.national_case_referral, projections.national_referral_step,
    projections.cross_border_decision, projections.cross_border_reason, projections.extradition_request,
    projections.legal_assistance_request, projections.cross_border_step, projections.pipeline_count,
    projections.returned_indicator, projections.returned_survey, projections.control_campaign,
    projections.checkpoint, projections.partition_state CASCADE;

CREATE TABLE projections.generation (
    projection text NOT NULL,
    generation int NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'live', 'previous', 'old', 'failed', 'as-of')),
    fingerprint text NOT NULL,
    bounds jsonb,
    code text NOT NULL DEFAULT '',
    advice text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz,
    PRIMARY KEY (projection, generation)
);
CREATE UNIQUE INDEX ON projections.generation (projection) WHERE state = 'live';
CREATE UNIQUE INDEX ON projections.generation (projection) WHERE state = 'previous';
COMMENT ON COLUMN projections.generation.fingerprint IS 'Of tables, views and version of the code that it was made for: other code does not fold into it.';
COMMENT ON COLUMN projections.generation.bounds IS 'Of a build as of a past time: topic to partition to the offset before which it ends.';

CREATE TABLE projections.checkpoint (
    projection text NOT NULL,
    generation int NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, generation, topic, partition),
    FOREIGN KEY (projection, generation) REFERENCES projections.generation ON DELETE CASCADE
);
COMMENT ON TABLE projections.checkpoint IS 'Everything before next_offset is in the tables: it moves in the same transaction as they do.';

CREATE TABLE projections.partition_state (
    projection text NOT NULL,
    generation int NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    runner_id uuid NOT NULL,
    state text NOT NULL,
    code text NOT NULL DEFAULT '',
    advice text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, generation, topic, partition),
    FOREIGN KEY (projection, generation) REFERENCES projections.generation ON DELETE CASCADE
);
COMMENT ON TABLE projections.partition_state IS 'What each projection does on each partition: running, waiting (for what), outdated, halted (with advice).';

CREATE TABLE projections.skipped (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    by_whom text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
COMMENT ON TABLE projections.skipped IS 'Records that no projection folds, because an operator said so.';

REVOKE ALL ON ALL TABLES IN SCHEMA projections FROM hub_projections;
GRANT SELECT, INSERT, UPDATE, DELETE ON projections.runner, projections.checkpoint, projections.partition_state TO hub_projections;
-- Only the owner makes and switches generations; to lock a row, a role needs the right to update one of its columns.
GRANT SELECT, UPDATE (advice) ON projections.generation TO hub_projections;
GRANT SELECT ON projections.skipped TO hub_projections;
GRANT SELECT ON projections.generation, projections.checkpoint, projections.partition_state TO hub_access;
-- Large folds are copied into temporary tables first.
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hub_projections', current_database()); END $$;
