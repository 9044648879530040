-- Holds claims again that were held when a webhook was received which has waited in a spool since: they
-- expired by the clock, but it came within their window. The newest delivery is the one that held
-- them. Sorted as for `claim_webhooks.sql`.
--
-- The LIMIT of what is asked is there for the reason that `update_alerts.sql` gives. BETWEEN with an order
-- that begins with the same column, and a time that no index knows, leave the index of that column: by time,
-- all that came within the window would be read for each.
INSERT INTO webhook_claims AS held (integration_id, digest, webhook_delivery_id, expires_at)
SELECT DISTINCT ON (asked.digest) asked.integration_id, asked.digest, holder.id, %(expires_at)s
FROM (
    SELECT * FROM unnest(
        %(integration_id)s, %(digest)s, %(delivery_id)s, %(key)s, %(fingerprint)s, %(since)s, %(until)s
    ) LIMIT cardinality(%(digest)s)
) AS asked (integration_id, digest, delivery_id, key, fingerprint, since, until)
CROSS JOIN LATERAL (
    (SELECT id, created_at FROM webhook_deliveries
     WHERE asked.key IS NULL
       AND integration_id = asked.integration_id
       AND content_fingerprint BETWEEN asked.fingerprint AND asked.fingerprint
       AND created_at + interval '0' > asked.since AND created_at + interval '0' < asked.until
       AND id <> asked.delivery_id
       AND outcome IN ('created', 'updated', 'acknowledged', 'resolved', 'duplicate')
     ORDER BY content_fingerprint DESC, created_at DESC
     LIMIT 1)
    UNION ALL
    (SELECT id, created_at FROM webhook_deliveries
     WHERE integration_id = asked.integration_id
       AND idempotency_key BETWEEN asked.key AND asked.key
       AND created_at + interval '0' > asked.since AND created_at + interval '0' < asked.until
       AND id <> asked.delivery_id
       AND outcome IN ('created', 'updated', 'acknowledged', 'resolved', 'duplicate')
     ORDER BY idempotency_key DESC
     LIMIT 1)
) AS holder
ORDER BY asked.digest, holder.created_at DESC
ON CONFLICT (integration_id, digest) DO UPDATE
    SET webhook_delivery_id = excluded.webhook_delivery_id, expires_at = excluded.expires_at
    WHERE held.expires_at <= %(now)s
