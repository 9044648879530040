-- A delivery that did nothing is nobody's first: the same content may mean something later.
DELETE FROM webhook_claims held
USING unnest(%(integration_ids)s, %(digests)s, %(delivery_ids)s)
    AS given (integration_id, digest, webhook_delivery_id)
WHERE held.integration_id = given.integration_id
    AND held.digest = given.digest
    AND held.webhook_delivery_id = given.webhook_delivery_id
