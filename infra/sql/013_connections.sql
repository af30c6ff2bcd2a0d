-- However many workers run, they leave room for the registry, readers and operators: of a role that has too many
-- connections the next one is refused, and the worker that asked waits.
ALTER ROLE hub_streams CONNECTION LIMIT 240;
ALTER ROLE hub_vault CONNECTION LIMIT 100;
ALTER ROLE hub_projections CONNECTION LIMIT 80;
