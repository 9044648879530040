-- For claims that were lost: the first delivery, and the alerts it touched. One that carried several
-- has no alert_id; its alerts are then found through their events.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
SELECT held.digest,
       held.webhook_delivery_id,
       CASE WHEN first.alert_id IS NOT NULL THEN ARRAY[first.alert_id]
            ELSE ARRAY(
                SELECT touched.alert_id
                FROM (
                    SELECT DISTINCT ON (e.alert_id) e.alert_id, e.id FROM alert_events e
                    WHERE e.webhook_delivery_id = held.webhook_delivery_id
                    ORDER BY e.alert_id, e.id
                ) touched
                ORDER BY touched.id)
       END
FROM (
    SELECT * FROM unnest(%(integration_ids)s, %(digests)s) LIMIT cardinality(%(digests)s)
) AS lost (integration_id, digest)
JOIN webhook_claims held USING (integration_id, digest)
LEFT JOIN webhook_deliveries first ON first.id = held.webhook_delivery_id
