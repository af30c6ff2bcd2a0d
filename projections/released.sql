-- Released: what left on the non-personal channels.

CREATE TABLE released_batch (
    batch_id text NOT NULL,
    tier text NOT NULL,
    population text NOT NULL,
    rule text NOT NULL,
    layout text NOT NULL,
    digest text NOT NULL,
    tick bigint NOT NULL,
    k bigint NOT NULL,
    net bigint NOT NULL,
    rows bigint NOT NULL,
    suppressed bigint NOT NULL,
    log_offset bigint NOT NULL,
    PRIMARY KEY (batch_id, tier)
);

CREATE TABLE released_row (
    tier text NOT NULL,
    log_offset bigint NOT NULL,
    batch_id text NOT NULL,
    kind text NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (tier, log_offset)
);
COMMENT ON COLUMN released_row.content IS 'What the row shows, as JSON.';

CREATE TABLE released_fact (
    tier text NOT NULL,
    log_offset bigint NOT NULL,
    kind text NOT NULL,
    content text NOT NULL,
    tick bigint NOT NULL,
    PRIMARY KEY (tier, log_offset)
);

CREATE TABLE released_total (
    table_name text NOT NULL,
    country text NOT NULL,
    cell text NOT NULL,
    week text NOT NULL,
    parameters text NOT NULL,
    since text NOT NULL,
    persons bigint NOT NULL,
    standard_deviation double precision NOT NULL,
    epsilon double precision NOT NULL,
    delta double precision NOT NULL,
    PRIMARY KEY (table_name, country, cell, week)
);
COMMENT ON COLUMN released_total.persons IS 'A running total with noise: may be negative, and may fall.';

CREATE TABLE released_overlap (
    year bigint NOT NULL PRIMARY KEY,
    content text NOT NULL
);

CREATE VIEW released_totals AS
SELECT DISTINCT ON (table_name, country, cell) table_name, country, cell, since, week, persons, standard_deviation,
    epsilon, delta
FROM released_total ORDER BY table_name, country, cell, week DESC;

CREATE VIEW released_summary AS
SELECT population, tier, count(*) AS batches, sum(rows)::bigint AS rows, sum(suppressed)::bigint AS suppressed,
    DATE '1970-01-01' + min(tick)::int AS first_day, DATE '1970-01-01' + max(tick)::int AS last_day
FROM released_batch GROUP BY population, tier ORDER BY population, tier DESC;

CREATE VIEW released_kinds AS
SELECT kind, tier, count(*) AS rows FROM released_row GROUP BY kind, tier ORDER BY kind, tier DESC;

CREATE VIEW released_facts AS
SELECT kind, tier, count(*) AS facts FROM released_fact GROUP BY kind, tier ORDER BY kind, tier DESC;
