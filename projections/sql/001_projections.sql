-- Read models of people. Everything here can be thrown away and folded again from the topics.
-- No personal value in clear: codes of operational fields, random ids, times and counts.
CREATE SCHEMA projections AUTHORIZATION hub_admin;

CREATE TABLE projections.checkpoint (
    projection text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, topic, partition)
);
COMMENT ON TABLE projections.checkpoint IS 'Everything before next_offset is in the tables: it moves in the same transaction as they do.';

CREATE TABLE projections.runner (
    runner_id uuid PRIMARY KEY,
    pid int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE projections.partition_state (
    projection text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    runner_id uuid NOT NULL,
    state text NOT NULL,
    code text NOT NULL DEFAULT '',
    advice text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, topic, partition)
);
COMMENT ON TABLE projections.partition_state IS 'What each projection does on each partition: running, waiting (for what), halted (with advice).';

-- ── National case overview ──────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE projections.national_case (
    case_id uuid PRIMARY KEY,
    agency text NOT NULL,
    country text,
    without_case boolean NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    handling text NOT NULL,
    events bigint NOT NULL
);
COMMENT ON COLUMN projections.national_case.without_case IS 'Not a case: all events of the agency that name none.';
COMMENT ON COLUMN projections.national_case.handling IS 'The strictest handling code of its events.';

CREATE TABLE projections.national_case_event (
    case_id uuid NOT NULL,
    event_type text NOT NULL,
    events bigint NOT NULL,
    corrections bigint NOT NULL,
    PRIMARY KEY (case_id, event_type)
);

CREATE TABLE projections.national_case_subject (
    case_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    first_received_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, subject_id)
);

CREATE TABLE projections.national_case_agency (
    case_id uuid NOT NULL,
    agency text NOT NULL,
    part text NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (case_id, agency, part)
);
COMMENT ON COLUMN projections.national_case_agency.part IS 'PUBLISHER, ON_BEHALF_OF or ADDRESSEE of a referral.';

CREATE TABLE projections.national_case_referral (
    case_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    to_agency text NOT NULL,
    urgency text,
    answer_due_at timestamptz,
    offered_at timestamptz NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (case_id, referral_id)
);

CREATE VIEW projections.national_case_overview AS
SELECT c.case_id, c.country, c.agency, c.without_case, c.handling, c.first_received_at, c.last_received_at, c.events,
    (SELECT string_agg(event_type || ' ' || e.events, ', ' ORDER BY event_type)
        FROM projections.national_case_event e WHERE e.case_id = c.case_id) AS by_event_type,
    (SELECT count(*) FROM projections.national_case_subject s WHERE s.case_id = c.case_id) AS subjects,
    (SELECT string_agg(DISTINCT a.agency, ', ') FROM projections.national_case_agency a
        WHERE a.case_id = c.case_id) AS agencies,
    (SELECT count(*) FROM projections.national_case_referral r
        WHERE r.case_id = c.case_id AND r.state = 'OFFERED') AS open_referrals
FROM projections.national_case c
ORDER BY c.last_received_at DESC, c.case_id;

CREATE VIEW projections.national_open_referral AS
SELECT r.to_agency, c.agency AS from_agency, c.country AS from_country, r.urgency, r.offered_at, r.answer_due_at,
    r.case_id, r.referral_id
FROM projections.national_case_referral r JOIN projections.national_case c USING (case_id)
WHERE r.state = 'OFFERED'
ORDER BY r.answer_due_at NULLS LAST, r.referral_id;

-- ── Cross-border overview ───────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE projections.cross_border_decision (
    audience text NOT NULL,
    agency text NOT NULL,
    event_type text NOT NULL,
    outcome text NOT NULL,
    view text NOT NULL,
    agreement text NOT NULL,
    from_country text,
    to_country text,
    decisions bigint NOT NULL,
    last_decided_at timestamptz NOT NULL,
    PRIMARY KEY (audience, agency, event_type, outcome, view, agreement)
);
COMMENT ON COLUMN projections.cross_border_decision.to_country IS 'Null for an international organisation.';

CREATE TABLE projections.cross_border_reason (
    audience text NOT NULL,
    agency text NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    decisions bigint NOT NULL,
    PRIMARY KEY (audience, agency, event_type, reason)
);

CREATE TABLE projections.extradition_request (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    case_id uuid NOT NULL,
    requesting_state text NOT NULL,
    requested_state text NOT NULL,
    instrument text NOT NULL,
    requested_at timestamptz NOT NULL,
    deadline_at timestamptz,
    corrects uuid,
    state text NOT NULL,
    PRIMARY KEY (agency, event_id)
);
COMMENT ON COLUMN projections.extradition_request.requested_at IS 'When the hub received the request.';

CREATE VIEW projections.cross_border_flow AS
SELECT audience, to_country, agency, from_country, to_country IS DISTINCT FROM from_country AS crosses_border,
    event_type, view, agreement, decisions AS released, last_decided_at AS last_released_at
FROM projections.cross_border_decision WHERE outcome = 'RELEASED'
ORDER BY audience, agency, event_type;

CREATE VIEW projections.cross_border_withheld AS
SELECT audience, agency, event_type, reason, decisions AS withheld
FROM projections.cross_border_reason
ORDER BY audience, agency, event_type, reason;

CREATE VIEW projections.extradition_overview AS
SELECT r.requesting_state, r.requested_state, r.instrument, r.agency, r.requested_at, r.deadline_at,
    CASE WHEN EXISTS (SELECT FROM projections.extradition_request later
        WHERE later.corrects = r.event_id AND later.agency = r.agency) THEN 'CORRECTED' ELSE r.state END AS state,
    r.case_id, r.event_id
FROM projections.extradition_request r
ORDER BY r.deadline_at NULLS LAST, r.event_id;
CREATE INDEX ON projections.extradition_request (corrects) WHERE corrects IS NOT NULL;

-- ── Pipeline counters of operators. Not figures of a secretariat: those wait for cohort release (design §12.8). ─────

CREATE TABLE projections.pipeline_count (
    measure text NOT NULL,
    agency text NOT NULL,
    event_type text NOT NULL,
    partner text NOT NULL,
    code text NOT NULL,
    family text NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (measure, agency, event_type, partner, code)
);
COMMENT ON COLUMN projections.pipeline_count.measure IS 'ACCEPTED, REFUSED, DUPLICATE, LEDGER, RELEASED, WITHHELD; REFUSED_RULE and WITHHELD_REASON count a record once per code.';
COMMENT ON COLUMN projections.pipeline_count.event_type IS 'Empty when the record could not be read as any.';

CREATE VIEW projections.pipeline_by_agency AS
SELECT agency, family, event_type,
    coalesce(sum(records) FILTER (WHERE measure IN ('ACCEPTED', 'REFUSED', 'DUPLICATE')), 0)::bigint AS published,
    coalesce(sum(records) FILTER (WHERE measure = 'ACCEPTED'), 0)::bigint AS accepted,
    coalesce(sum(records) FILTER (WHERE measure = 'REFUSED'), 0)::bigint AS refused,
    coalesce(sum(records) FILTER (WHERE measure = 'DUPLICATE'), 0)::bigint AS duplicates,
    coalesce(sum(records) FILTER (WHERE measure = 'LEDGER'), 0)::bigint AS ledger
FROM projections.pipeline_count
WHERE measure IN ('ACCEPTED', 'REFUSED', 'DUPLICATE', 'LEDGER')
GROUP BY agency, family, event_type ORDER BY agency, family, event_type;

CREATE VIEW projections.pipeline_refusal AS
SELECT agency, event_type, code AS rule, records AS refused
FROM projections.pipeline_count WHERE measure = 'REFUSED_RULE' ORDER BY agency, event_type, code;

CREATE VIEW projections.pipeline_release AS
SELECT partner, family, event_type,
    coalesce(sum(records) FILTER (WHERE measure = 'RELEASED'), 0)::bigint AS released,
    coalesce(sum(records) FILTER (WHERE measure = 'WITHHELD'), 0)::bigint AS withheld
FROM projections.pipeline_count WHERE measure IN ('RELEASED', 'WITHHELD')
GROUP BY partner, family, event_type ORDER BY partner, family, event_type;

CREATE VIEW projections.pipeline_withheld AS
SELECT partner, event_type, code AS reason, sum(records)::bigint AS withheld
FROM projections.pipeline_count WHERE measure = 'WITHHELD_REASON'
GROUP BY partner, event_type, code ORDER BY partner, event_type, code;

GRANT USAGE ON SCHEMA projections TO hub_projections, hub_access;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA projections TO hub_projections;
GRANT SELECT ON ALL TABLES IN SCHEMA projections TO hub_access;
