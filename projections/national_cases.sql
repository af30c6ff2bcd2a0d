-- National case overview. No personal value in clear: codes of operational fields, random ids, times and counts.

CREATE TABLE national_case (
    case_id uuid PRIMARY KEY,
    agency text NOT NULL,
    country text,
    without_case boolean NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    handling text NOT NULL,
    events bigint NOT NULL
);
COMMENT ON COLUMN national_case.without_case IS 'Not a case: all events of the agency that name none.';
COMMENT ON COLUMN national_case.handling IS 'The strictest handling code of its events.';

CREATE TABLE national_case_event (
    case_id uuid NOT NULL,
    event_type text NOT NULL,
    events bigint NOT NULL,
    corrections bigint NOT NULL,
    PRIMARY KEY (case_id, event_type)
);

CREATE TABLE national_case_subject (
    case_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    first_received_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, subject_id)
);

CREATE INDEX ON national_case_subject (subject_id);

-- Erased persons. Their ids are in no case, in whatever order events and erasures are folded: an erasure takes out what
-- is there, and nothing comes in later. Who inserts shares a lock that an erasure takes alone, so that neither misses
-- what the other has not committed yet.
CREATE TABLE national_erased_subject (
    subject_id uuid PRIMARY KEY,
    ordered_at timestamptz NOT NULL
);

CREATE FUNCTION national_subjects_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared('national_erased_subject'::regclass::oid::bigint);
    RETURN NULL;
END $$;
ALTER FUNCTION national_subjects_share SET search_path FROM CURRENT;
CREATE TRIGGER share BEFORE INSERT ON national_case_subject
    FOR EACH STATEMENT EXECUTE FUNCTION national_subjects_share();

CREATE FUNCTION national_subject_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM national_erased_subject e WHERE e.subject_id = NEW.subject_id) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION national_subject_is_kept SET search_path FROM CURRENT;
CREATE TRIGGER kept BEFORE INSERT ON national_case_subject
    FOR EACH ROW EXECUTE FUNCTION national_subject_is_kept();

CREATE FUNCTION national_subjects_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('national_erased_subject'::regclass::oid::bigint);
    RETURN NULL;
END $$;
ALTER FUNCTION national_subjects_alone SET search_path FROM CURRENT;
CREATE TRIGGER alone BEFORE INSERT ON national_erased_subject
    FOR EACH STATEMENT EXECUTE FUNCTION national_subjects_alone();

CREATE FUNCTION national_subjects_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM national_case_subject s USING gone WHERE s.subject_id = gone.subject_id;
    RETURN NULL;
END $$;
ALTER FUNCTION national_subjects_go SET search_path FROM CURRENT;
CREATE TRIGGER go AFTER INSERT ON national_erased_subject
    REFERENCING NEW TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION national_subjects_go();

CREATE TABLE national_case_agency (
    case_id uuid NOT NULL,
    agency text NOT NULL,
    part text NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (case_id, agency, part)
);
COMMENT ON COLUMN national_case_agency.part IS 'PUBLISHER, ON_BEHALF_OF or ADDRESSEE of a referral.';

CREATE TABLE national_case_referral (
    case_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    to_agency text NOT NULL,
    urgency text,
    answer_due_at timestamptz,
    offered_at timestamptz NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (case_id, referral_id)
);

CREATE TABLE national_referral_step (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    to_agency text NOT NULL,
    step text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON national_referral_step (referral_id);
COMMENT ON COLUMN national_referral_step.step IS 'ACCEPTED or DECLINED by who was asked, REVOKED by who asked, CLOSED by who was asked.';

-- Who may take which step stands here alone: only the addressee may answer and close, only the offering agency may
-- revoke. An answer that came before its offer counts as soon as that is there.
CREATE VIEW national_referral AS
SELECT c.agency AS from_agency, c.country AS from_country, r.to_agency, r.urgency, r.offered_at, r.answer_due_at,
    coalesce(latest.step, r.state) AS state, latest.received_at AS state_since, r.case_id, r.referral_id
FROM national_case_referral r JOIN national_case c USING (case_id)
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM national_referral_step s
    WHERE s.referral_id = r.referral_id
        AND ((s.step IN ('ACCEPTED', 'DECLINED', 'CLOSED') AND s.agency = r.to_agency)
            OR (s.step = 'REVOKED' AND s.agency = c.agency))
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.offered_at DESC, r.referral_id;

CREATE VIEW national_open_referral AS
SELECT to_agency, from_agency, from_country, urgency, offered_at, answer_due_at, case_id, referral_id
FROM national_referral WHERE state = 'OFFERED'
ORDER BY answer_due_at NULLS LAST, referral_id;

CREATE VIEW national_case_overview AS
SELECT c.case_id, c.country, c.agency, c.without_case, c.handling, c.first_received_at, c.last_received_at, c.events,
    (SELECT string_agg(event_type || ' ' || e.events, ', ' ORDER BY event_type)
        FROM national_case_event e WHERE e.case_id = c.case_id) AS by_event_type,
    (SELECT count(*) FROM national_case_subject s WHERE s.case_id = c.case_id) AS subjects,
    (SELECT string_agg(DISTINCT a.agency, ', ') FROM national_case_agency a
        WHERE a.case_id = c.case_id) AS agencies,
    (SELECT count(*) FROM national_open_referral o WHERE o.case_id = c.case_id) AS open_referrals
FROM national_case c
ORDER BY c.last_received_at DESC, c.case_id;
