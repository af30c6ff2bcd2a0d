-- Cross-border overview: what went to whom, what was withheld, requests between states and what became of them.

CREATE TABLE cross_border_decision (
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
COMMENT ON COLUMN cross_border_decision.to_country IS 'Null for an international organisation.';

CREATE TABLE cross_border_reason (
    audience text NOT NULL,
    agency text NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    decisions bigint NOT NULL,
    PRIMARY KEY (audience, agency, event_type, reason)
);

CREATE TABLE extradition_request (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    case_id uuid NOT NULL,
    request_id uuid NOT NULL,
    requesting_state text NOT NULL,
    requested_state text NOT NULL,
    instrument text NOT NULL,
    requested_at timestamptz NOT NULL,
    deadline_at timestamptz,
    corrects uuid,
    state text NOT NULL,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON extradition_request (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX ON extradition_request (request_id);
COMMENT ON COLUMN extradition_request.requested_at IS 'When the hub received the request.';

CREATE TABLE legal_assistance_request (
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

CREATE TABLE cross_border_step (
    agency text NOT NULL,
    event_id uuid NOT NULL,
    request_id uuid NOT NULL,
    country text,
    step text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (agency, event_id)
);
CREATE INDEX ON cross_border_step (request_id);
COMMENT ON COLUMN cross_border_step.country IS 'Country of the agency: only the requested state decides.';

CREATE VIEW cross_border_flow AS
SELECT audience, to_country, agency, from_country, to_country IS DISTINCT FROM from_country AS crosses_border,
    event_type, view, agreement, decisions AS released, last_decided_at AS last_released_at
FROM cross_border_decision WHERE outcome = 'RELEASED'
ORDER BY audience, agency, event_type;

CREATE VIEW cross_border_withheld AS
SELECT audience, agency, event_type, reason, decisions AS withheld
FROM cross_border_reason
ORDER BY audience, agency, event_type, reason;

CREATE VIEW extradition_overview AS
SELECT r.requesting_state, r.requested_state, r.instrument, r.agency, r.requested_at, r.deadline_at,
    CASE WHEN EXISTS (SELECT FROM extradition_request later
        WHERE later.corrects = r.event_id AND later.agency = r.agency) THEN 'CORRECTED'
        ELSE coalesce(latest.step, r.state) END AS state,
    r.case_id, r.event_id, r.request_id, latest.received_at AS state_since
FROM extradition_request r
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM cross_border_step s
    WHERE s.request_id = r.request_id AND s.country = r.requested_state
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.deadline_at NULLS LAST, r.event_id;

CREATE VIEW legal_assistance_overview AS
SELECT r.requesting_state, r.requested_state, r.instrument, r.urgency, r.agency, r.requested_at, r.answer_due_at,
    coalesce(latest.step, 'REQUESTED') AS state, latest.received_at AS state_since, r.case_id, r.request_id
FROM legal_assistance_request r
LEFT JOIN LATERAL (
    SELECT s.step, s.received_at FROM cross_border_step s
    WHERE s.request_id = r.request_id AND s.country = r.requested_state
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) latest ON true
ORDER BY r.answer_due_at NULLS LAST, r.request_id;
