-- Pipeline counters of operators. Not figures of a secretariat: those wait for cohort release (design §12.8).

CREATE TABLE pipeline_count (
    measure text NOT NULL,
    agency text NOT NULL,
    event_type text NOT NULL,
    partner text NOT NULL,
    code text NOT NULL,
    family text NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (measure, agency, event_type, partner, code)
);
COMMENT ON COLUMN pipeline_count.measure IS 'ACCEPTED, REFUSED, DUPLICATE, LEDGER, RELEASED, WITHHELD; REFUSED_RULE and WITHHELD_REASON count a record once per code. WITHHELD is what is withheld still.';
COMMENT ON COLUMN pipeline_count.event_type IS 'Empty when the record could not be read as any.';

CREATE VIEW pipeline_by_agency AS
SELECT agency, family, event_type,
    coalesce(sum(records) FILTER (WHERE measure IN ('ACCEPTED', 'REFUSED', 'DUPLICATE')), 0)::bigint AS published,
    coalesce(sum(records) FILTER (WHERE measure = 'ACCEPTED'), 0)::bigint AS accepted,
    coalesce(sum(records) FILTER (WHERE measure = 'REFUSED'), 0)::bigint AS refused,
    coalesce(sum(records) FILTER (WHERE measure = 'DUPLICATE'), 0)::bigint AS duplicates,
    coalesce(sum(records) FILTER (WHERE measure = 'LEDGER'), 0)::bigint AS ledger
FROM pipeline_count
WHERE measure IN ('ACCEPTED', 'REFUSED', 'DUPLICATE', 'LEDGER')
GROUP BY agency, family, event_type ORDER BY agency, family, event_type;

CREATE VIEW pipeline_refusal AS
SELECT agency, event_type, code AS rule, records AS refused
FROM pipeline_count WHERE measure = 'REFUSED_RULE' ORDER BY agency, event_type, code;

CREATE VIEW pipeline_release AS
SELECT partner, family, event_type,
    coalesce(sum(records) FILTER (WHERE measure = 'RELEASED'), 0)::bigint AS released,
    coalesce(sum(records) FILTER (WHERE measure = 'WITHHELD'), 0)::bigint AS withheld
FROM pipeline_count WHERE measure IN ('RELEASED', 'WITHHELD')
GROUP BY partner, family, event_type ORDER BY partner, family, event_type;

CREATE VIEW pipeline_withheld AS
SELECT partner, event_type, code AS reason, sum(records)::bigint AS withheld
FROM pipeline_count WHERE measure = 'WITHHELD_REASON'
GROUP BY partner, event_type, code ORDER BY partner, event_type, code;
