-- One lock per problem (integration and external id), sorted, held to the end of the transaction:
-- nobody else, neither a batch on another node nor a person's action, touches these alerts meanwhile.
SELECT count(pg_advisory_xact_lock(problem)) FROM unnest(%(problems)s) AS problem
