-- The episode that these claims belonged to has ended: they are this batch's now. Our own attempt to
-- claim them has locked them.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE webhook_claims held
SET webhook_delivery_id = given.webhook_delivery_id, expires_at = given.expires_at
FROM (
    SELECT * FROM unnest(
        %(integration_id)s, %(digest)s, %(webhook_delivery_id)s, %(expires_at)s
    ) LIMIT cardinality(%(digest)s)
) AS given (integration_id, digest, webhook_delivery_id, expires_at)
WHERE held.integration_id = given.integration_id AND held.digest = given.digest
