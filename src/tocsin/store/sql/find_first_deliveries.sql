-- For claims that were lost: the first delivery (of a key that came with a duplicate, the one that was
-- repeated), and the alerts it touched. One that carried several has no alert_id; its alerts are then
-- found through their events, as are those of one whose record is past its time, which may be before the
-- claim is. `has_ended`: one of those without an external id has ended, which no alert key knows.
-- The LIMIT is there for the reason that `update_alerts.sql` gives, OFFSET 0 for that of
-- `read_alert_keys.sql`.
SELECT held.digest,
       coalesce(first.id, held.webhook_delivery_id) AS webhook_delivery_id,
       coalesce(first.content_fingerprint, '') AS content_fingerprint,
       touched.alert_ids,
       EXISTS (
           SELECT FROM (
               SELECT status, external_id FROM alerts WHERE id = ANY (touched.alert_ids) OFFSET 0
           ) AS alert
           WHERE alert.external_id IS NULL AND alert.status IN ('RESOLVED', 'CLOSED')
       ) AS has_ended
FROM (
    SELECT * FROM unnest(%(integration_ids)s, %(digests)s) LIMIT cardinality(%(digests)s)
) AS lost (integration_id, digest)
JOIN webhook_claims held USING (integration_id, digest)
LEFT JOIN LATERAL (
    SELECT coalesce(duplicate_of_id, id) AS id FROM webhook_deliveries
    WHERE id = held.webhook_delivery_id
    OFFSET 0
) AS holder ON true
LEFT JOIN LATERAL (
    SELECT id, content_fingerprint, alert_id FROM webhook_deliveries
    WHERE id = holder.id
    OFFSET 0
) AS first ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN first.alert_id IS NOT NULL THEN ARRAY[first.alert_id]
           ELSE ARRAY(
               SELECT each.alert_id
               FROM (
                   SELECT DISTINCT ON (e.alert_id) e.alert_id, e.id
                   FROM (
                       SELECT alert_id, id FROM alert_events
                       WHERE webhook_delivery_id = coalesce(first.id, held.webhook_delivery_id)
                       OFFSET 0
                   ) e
                   ORDER BY e.alert_id, e.id
               ) each
               ORDER BY each.id)
           END AS alert_ids
    OFFSET 0
) AS touched
