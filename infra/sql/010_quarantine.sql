-- The quarantine desk: who was given which record, and what an agency made of it. Positions and reasons, never content.
CREATE TABLE hub.quarantine_reading (
    reading_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    agency text NOT NULL,
    "offset" bigint NOT NULL,
    principal text NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.quarantine_reading IS 'Written before a record is opened: there is no reading without its row.';

CREATE TABLE hub.quarantine_resubmitted (
    agency text NOT NULL,
    "offset" bigint NOT NULL,
    event_id uuid NOT NULL,
    accepted_offset bigint NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency, "offset")
);
COMMENT ON COLUMN hub.quarantine_resubmitted.accepted_offset IS 'Of the accepted event on the topic of the agency, after the refused one; checked against the memory of duplicates.';

CREATE TABLE hub.quarantine_discarded (
    agency text NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    principal text NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency, "offset")
);

-- Only ever added to.
GRANT SELECT, INSERT ON hub.quarantine_reading, hub.quarantine_resubmitted, hub.quarantine_discarded TO hub_access;
SELECT hub.close_rows('hub.quarantine_reading', 'agency = hub.principal()');
SELECT hub.close_rows('hub.quarantine_resubmitted', 'agency = hub.principal()');
SELECT hub.close_rows('hub.quarantine_discarded', 'agency = hub.principal()');
GRANT SELECT ON hub.quarantine_reading, hub.quarantine_resubmitted, hub.quarantine_discarded TO hub_reader;
