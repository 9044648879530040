-- For claims that were lost: the first delivery, and the alerts it touched. One that carried several
-- has no alert_id; its alerts are then found through their events.
-- The LIMIT is there for the reason that `update_alerts.sql` gives, OFFSET 0 for that of
-- `read_problems.sql`.
SELECT held.digest,
       held.webhook_delivery_id,
       CASE WHEN first.alert_id IS NOT NULL THEN ARRAY[first.alert_id]
            ELSE ARRAY(
                SELECT touched.alert_id
                FROM (
                    SELECT DISTINCT ON (e.alert_id) e.alert_id, e.id
                    FROM (
                        SELECT alert_id, id FROM alert_events
                        WHERE webhook_delivery_id = held.webhook_delivery_id
                        OFFSET 0
                    ) e
                    ORDER BY e.alert_id, e.id
                ) touched
                ORDER BY touched.id)
       END AS alert_ids
FROM (
    SELECT * FROM unnest(%(integration_ids)s, %(digests)s) LIMIT cardinality(%(digests)s)
) AS lost (integration_id, digest)
JOIN webhook_claims held USING (integration_id, digest)
LEFT JOIN webhook_deliveries first ON first.id = held.webhook_delivery_id
