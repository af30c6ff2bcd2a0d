-- What an organisation may see of deliveries: an agency the ladders of its own events, a partner those of what it got,
-- and which of its acknowledgements were refused. That something was withheld from a partner is not the partner's to see.
SELECT hub.close_rows('streams.delivery',
    $$agency = hub.principal() OR recipient = hub.principal() AND outcome = 'RELEASED'$$);
SELECT hub.close_rows('streams.feed_record', 'recipient = hub.principal()');
SELECT hub.close_rows('streams.acknowledgement_refused', 'recipient = hub.principal()');
-- Whom a question addresses sees it once it has it: else a row would tell of a referral that was withheld.
SELECT hub.close_rows('streams.question',
    $$agency = hub.principal() OR addressee = hub.principal() AND EXISTS (SELECT FROM streams.delivery d
        WHERE d.id = question.id AND d.recipient = hub.principal() AND d.outcome = 'RELEASED')$$);
GRANT SELECT ON streams.question, streams.delivery, streams.feed_record, streams.acknowledgement_refused TO hub_reader;
CREATE INDEX delivery_of_agency ON streams.delivery (agency, finish_breach_at)
    WHERE finished_at IS NULL AND outcome = 'RELEASED';
CREATE INDEX delivery_of_recipient ON streams.delivery (recipient, finish_breach_at)
    WHERE finished_at IS NULL AND outcome = 'RELEASED';
