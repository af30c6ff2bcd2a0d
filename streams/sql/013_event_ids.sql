-- An id is one event's in the whole hub, whoever published it: approvals, ladders and audits name events by their id alone.
CREATE UNIQUE INDEX seen_event_id ON streams.seen_event (event_id);
