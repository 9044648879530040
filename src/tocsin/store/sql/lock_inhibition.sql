-- One lock per key of inhibition, sorted, held to the end of the transaction: for itself alone where a source
-- comes or ends, shared where a target is decided about. So nobody decides by a source that is just ending,
-- and whoever looks at the targets of a source that has ended finds all that were held by it.
SELECT count(
    CASE WHEN alone = 1 THEN pg_advisory_xact_lock(key)::text ELSE pg_advisory_xact_lock_shared(key)::text END
) AS locked
FROM unnest(%(locks)s, %(alone)s) AS asked (key, alone)
