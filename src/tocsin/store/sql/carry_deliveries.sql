-- These rows are said by others, the carriers. They stay pending until those are sent or given up
-- (`settle_carried.sql`), so that nothing of their alerts overtakes them; no hold frees them any more.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alert_deliveries AS carried
SET status = 'deferred', reason = given.reason, send_after = NULL, carried_by = given.carrier_id,
    updated_at = %(now)s
FROM (
    SELECT * FROM unnest(%(ids)s, %(carrier_ids)s, %(reasons)s) LIMIT cardinality(%(ids)s)
) AS given (id, carrier_id, reason)
WHERE carried.id = given.id AND carried.status::text IN ('queued', 'deferred')
  AND carried.carried_by IS NULL AND carried.leased_by IS NULL
