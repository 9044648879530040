-- What the transaction writes is void (see `void_unless_news.sql`), and so are the claims that it has won.
DELETE FROM webhook_claims held
USING (
    SELECT unnest(%(integration_ids)s) AS integration_id, unnest(%(digests)s) AS digest,
           unnest(%(delivery_ids)s) AS webhook_delivery_id
) AS given
WHERE NOT (:PART(unless_void))
    AND held.integration_id = given.integration_id
    AND held.digest = given.digest
    AND held.webhook_delivery_id = given.webhook_delivery_id
