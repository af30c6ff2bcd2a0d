-- What an agency may see of the processors' state: its own events, and what of them is parked. Not the keyed hashes.
SELECT hub.close_rows('streams.seen_event', 'agency = hub.principal()');
GRANT SELECT (agency, event_id, source_offset, received_at, outcome) ON streams.seen_event TO hub_reader;
SELECT hub.close_rows('streams.parked', $$topic = 'in.' || hub.principal()$$);
GRANT SELECT (processor, topic, partition, "offset", code, advice, parked_at, attempts) ON streams.parked TO hub_reader;
GRANT USAGE ON SCHEMA streams TO hub_reader;
-- The memory of duplicates is only ever added to: who forgets an event would take it twice.
REVOKE UPDATE, DELETE ON streams.seen_event FROM hub_streams;
