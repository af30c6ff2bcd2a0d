-- What the whole language adds: answers to referrals and to requests between states, and returned figures.

-- ── Referrals ───────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE projections.national_referral_step (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    to_agency text NOT NULL,
    step text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON projections.national_referral_step (referral_id);
COMMENT ON COLUMN projections.national_referral_step.step IS 'ACCEPTED or DECLINED by who was asked, REVOKED by who asked, CLOSED by who was asked.';

-- Only the addressee may answer, only the offering agency may revoke. An answer that came before its offer counts as soon
-- as that is there.
CREATE VIEW projections.national_referral AS
SELECT c.agency AS from_agency, c.country AS from_country, r.to_agency, r.urgency, r.offered_at, r.answer_due_at,
    coalesce(latest.step, r.state) AS state, latest.received_at AS state_since, r.case_id, r.referral_id
FROM projections.national_case_referral r JOIN projections.national_case c USING (case_id)
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM projections.national_referral_step s
    WHERE s.referral_id = r.referral_id
        AND ((s.step IN ('ACCEPTED', 'DECLINED', 'CLOSED') AND s.agency = r.to_agency)
            OR (s.step = 'REVOKED' AND s.agency = c.agency))
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.offered_at DESC, r.referral_id;

CREATE OR REPLACE VIEW projections.national_open_referral AS
SELECT to_agency, from_agency, from_country, urgency, offered_at, answer_due_at, case_id, referral_id
FROM projections.national_referral WHERE state = 'OFFERED'
ORDER BY answer_due_at NULLS LAST, referral_id;

CREATE OR REPLACE VIEW projections.national_case_overview AS
SELECT c.case_id, c.country, c.agency, c.without_case, c.handling, c.first_received_at, c.last_received_at, c.events,
    (SELECT string_agg(event_type || ' ' || e.events, ', ' ORDER BY event_type)
        FROM projections.national_case_event e WHERE e.case_id = c.case_id) AS by_event_type,
    (SELECT count(*) FROM projections.national_case_subject s WHERE s.case_id = c.case_id) AS subjects,
    (SELECT string_agg(DISTINCT a.agency, ', ') FROM projections.national_case_agency a
        WHERE a.case_id = c.case_id) AS agencies,
    (SELECT count(*) FROM projections.national_case_referral r
        WHERE r.case_id = c.case_id AND NOT EXISTS (
            SELECT FROM projections.national_referral_step s WHERE s.referral_id = r.referral_id
                AND ((s.step IN ('ACCEPTED', 'DECLINED', 'CLOSED') AND s.agency = r.to_agency)
                    OR (s.step = 'REVOKED' AND s.agency = c.agency)))) AS open_referrals
FROM projections.national_case c
ORDER BY c.last_received_at DESC, c.case_id;

-- ── Requests between states ─────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE projections.extradition_request ADD COLUMN request_id uuid;
CREATE INDEX ON projections.extradition_request (request_id);

CREATE TABLE projections.legal_assistance_request (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    case_id uuid NOT NULL,
    request_id uuid NOT NULL,
    requesting_state text NOT NULL,
    requested_state text NOT NULL,
    instrument text NOT NULL,
    urgency text NOT NULL,
    requested_at timestamptz NOT NULL,
    answer_due_at timestamptz,
    PRIMARY KEY (agency, event_id)
);

CREATE TABLE projections.cross_border_step (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    request_id uuid NOT NULL,
    country text,
    step text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON projections.cross_border_step (request_id);
COMMENT ON COLUMN projections.cross_border_step.country IS 'Country of the agency: only the requested state decides.';

CREATE OR REPLACE VIEW projections.extradition_overview AS
SELECT r.requesting_state, r.requested_state, r.instrument, r.agency, r.requested_at, r.deadline_at,
    CASE WHEN EXISTS (SELECT FROM projections.extradition_request later
        WHERE later.corrects = r.event_id AND later.agency = r.agency) THEN 'CORRECTED'
        ELSE coalesce(latest.step, r.state) END AS state,
    r.case_id, r.event_id, r.request_id, latest.received_at AS state_since
FROM projections.extradition_request r
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM projections.cross_border_step s
    WHERE s.request_id = r.request_id AND s.country = r.requested_state
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.deadline_at NULLS LAST, r.event_id;

CREATE VIEW projections.legal_assistance_overview AS
SELECT r.requesting_state, r.requested_state, r.instrument, r.urgency, r.agency, r.requested_at, r.answer_due_at,
    coalesce(latest.step, 'REQUESTED') AS state, latest.received_at AS state_since, r.case_id, r.request_id
FROM projections.legal_assistance_request r
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM projections.cross_border_step s
    WHERE s.request_id = r.request_id AND s.country = r.requested_state
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.answer_due_at NULLS LAST, r.request_id;

-- ── Returned figures ────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE projections.returned_indicator (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    framework text NOT NULL,
    indicator text NOT NULL,
    country text,
    area text,
    dimension text,
    category text,
    sex text NOT NULL,
    age text NOT NULL,
    unit text NOT NULL,
    value_state text NOT NULL,
    published_in text,
    persons_group text,
    period_begin date NOT NULL,
    period_end date NOT NULL,
    value double precision,
    below double precision,
    numerator double precision,
    denominator double precision,
    corrects uuid,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON projections.returned_indicator (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE projections.returned_survey (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    survey text NOT NULL,
    indicator text NOT NULL,
    population text NOT NULL,
    country text NOT NULL,
    method text NOT NULL,
    published_in text,
    period_begin date NOT NULL,
    period_end date NOT NULL,
    respondents bigint NOT NULL,
    positive bigint,
    percentage double precision,
    margin_points double precision,
    corrects uuid,
    PRIMARY KEY (agency, event_id)
);

CREATE TABLE projections.control_campaign (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    level text NOT NULL,
    kind text NOT NULL,
    authority text NOT NULL,
    country text NOT NULL,
    region_code text,
    isic_section text,
    industry text,
    currency text,
    period_begin date NOT NULL,
    period_end date NOT NULL,
    enterprises_registered bigint,
    enterprises_controlled bigint,
    violations_found bigint,
    licences_checked bigint,
    back_wages_amount double precision,
    fines_amount double precision,
    corrects uuid,
    PRIMARY KEY (agency, event_id)
);

-- A count that is published nowhere is shown as zero or at least eleven, and where one of a breakdown is small, none of
-- the breakdown is shown: from the total and the others it could be reckoned.
CREATE VIEW projections.returned_indicator_overview AS
SELECT agency, framework, indicator, country, area, period_begin, period_end, dimension, category, sex, age,
    persons_group, unit,
    CASE WHEN hidden THEN NULL ELSE value END AS value,
    CASE WHEN hidden THEN 'SUPPRESSED' ELSE value_state END AS value_state,
    CASE WHEN hidden THEN NULL ELSE below END AS below, published_in, event_id
FROM (
    SELECT i.*, i.published_in IS NULL AND bool_or(i.published_in IS NULL AND i.unit = 'COUNT' AND i.value > 0 AND i.value < 11)
        OVER (PARTITION BY agency, framework, indicator, country, area, period_begin, period_end) AS hidden
    FROM projections.returned_indicator i
    WHERE NOT EXISTS (SELECT FROM projections.returned_indicator later
        WHERE later.corrects = i.event_id AND later.agency = i.agency)
) AS current_figures
ORDER BY framework, indicator, country NULLS LAST, period_begin, dimension, category, sex, age, event_id;

CREATE VIEW projections.returned_indicator_summary AS
SELECT framework, indicator, count(*) AS figures, count(DISTINCT coalesce(country, area)) AS areas,
    count(*) FILTER (WHERE value_state = 'EXACT') AS exact,
    count(*) FILTER (WHERE value_state = 'SUPPRESSED') AS suppressed,
    min(period_begin) AS first_period, max(period_end) AS last_period
FROM projections.returned_indicator
GROUP BY framework, indicator ORDER BY framework, indicator;

-- Few persons on either side of a question, or asked at all, and the shares that would tell how few, are not shown.
CREATE VIEW projections.returned_survey_overview AS
SELECT indicator, population, country, period_begin, period_end, method,
    CASE WHEN hidden AND respondents < 11 THEN NULL ELSE respondents END AS respondents,
    CASE WHEN hidden THEN NULL ELSE positive END AS positive,
    CASE WHEN hidden THEN NULL ELSE percentage END AS percentage,
    CASE WHEN hidden THEN NULL ELSE margin_points END AS margin_points, survey, published_in, agency
FROM (
    SELECT s.*, s.published_in IS NULL AND (s.respondents < 11 OR s.positive BETWEEN 1 AND 10
        OR s.respondents - s.positive BETWEEN 1 AND 10
        OR round(s.respondents * s.percentage / 100) BETWEEN 1 AND 10
        OR round(s.respondents * (100 - s.percentage) / 100) BETWEEN 1 AND 10) AS hidden
    FROM projections.returned_survey s
    WHERE NOT EXISTS (SELECT FROM projections.returned_survey later
        WHERE later.corrects = s.event_id AND later.agency = s.agency)
) AS current_surveys
ORDER BY indicator, country, period_begin;

CREATE VIEW projections.control_campaign_summary AS
SELECT country, level, authority, min(period_begin) AS first_period, max(period_end) AS last_period,
    count(*) AS campaigns, sum(enterprises_controlled)::bigint AS enterprises_controlled,
    sum(violations_found)::bigint AS violations_found, sum(licences_checked)::bigint AS licences_checked
FROM projections.control_campaign c
WHERE NOT EXISTS (SELECT FROM projections.control_campaign later
    WHERE later.corrects = c.event_id AND later.agency = c.agency)
GROUP BY country, level, authority ORDER BY country, level, authority;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA projections TO hub_projections;
GRANT SELECT ON ALL TABLES IN SCHEMA projections TO hub_access;
