-- Returned figures: indicators, surveys and controls as agencies declare them.

CREATE TABLE returned_indicator (
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
CREATE INDEX ON returned_indicator (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE returned_survey (
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

CREATE TABLE control_campaign (
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
CREATE VIEW returned_indicator_overview AS
SELECT agency, framework, indicator, country, area, period_begin, period_end, dimension, category, sex, age,
    persons_group, unit,
    CASE WHEN hidden THEN NULL ELSE value END AS value,
    CASE WHEN hidden THEN 'SUPPRESSED' ELSE value_state END AS value_state,
    CASE WHEN hidden THEN NULL ELSE below END AS below, published_in, event_id
FROM (
    SELECT i.*, i.published_in IS NULL AND bool_or(i.published_in IS NULL AND i.unit = 'COUNT' AND i.value > 0 AND i.value < 11)
        OVER (PARTITION BY agency, framework, indicator, country, area, period_begin, period_end) AS hidden
    FROM returned_indicator i
    WHERE NOT EXISTS (SELECT FROM returned_indicator later
        WHERE later.corrects = i.event_id AND later.agency = i.agency)
) AS current_figures
ORDER BY framework, indicator, country NULLS LAST, period_begin, dimension, category, sex, age, event_id;

CREATE VIEW returned_indicator_summary AS
SELECT framework, indicator, count(*) AS figures, count(DISTINCT coalesce(country, area)) AS areas,
    count(*) FILTER (WHERE value_state = 'EXACT') AS exact,
    count(*) FILTER (WHERE value_state = 'SUPPRESSED') AS suppressed,
    min(period_begin) AS first_period, max(period_end) AS last_period
FROM returned_indicator
GROUP BY framework, indicator ORDER BY framework, indicator;

-- Few persons on either side of a question, or asked at all, and the shares that would tell how few, are not shown.
CREATE VIEW returned_survey_overview AS
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
    FROM returned_survey s
    WHERE NOT EXISTS (SELECT FROM returned_survey later
        WHERE later.corrects = s.event_id AND later.agency = s.agency)
) AS current_surveys
ORDER BY indicator, country, period_begin;

CREATE VIEW control_campaign_summary AS
SELECT country, level, authority, min(period_begin) AS first_period, max(period_end) AS last_period,
    count(*) AS campaigns, sum(enterprises_controlled)::bigint AS enterprises_controlled,
    sum(violations_found)::bigint AS violations_found, sum(licences_checked)::bigint AS licences_checked
FROM control_campaign c
WHERE NOT EXISTS (SELECT FROM control_campaign later
    WHERE later.corrects = c.event_id AND later.agency = c.agency)
GROUP BY country, level, authority ORDER BY country, level, authority;
