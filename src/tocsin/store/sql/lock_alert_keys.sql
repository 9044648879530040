-- One lock per alert key (integration and external id), sorted, held to the end of the transaction:
-- nobody else, neither a batch on another node nor a person's action, touches these alerts meanwhile.
SELECT count(pg_advisory_xact_lock(key)) AS locked FROM unnest(%(locks)s) AS key
