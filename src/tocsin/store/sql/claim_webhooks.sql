-- Who is first. Each key and fingerprint of the batch is claimed by its primary key; a claim whose
-- window has passed is taken over. Where another node is claiming the same at this moment, this
-- statement waits for its commit. Claims come sorted, so that two batches never wait for each other.
-- Gives no row when every claim was won (the common case), else one row with those that were. Where
-- `all_or_void` is 1, what the transaction writes is void then (see `void_unless_news.sql`).
WITH won AS (
    INSERT INTO webhook_claims AS held (integration_id, digest, webhook_delivery_id, expires_at)
    SELECT unnest(%(integration_ids)s), unnest(%(digests)s), unnest(%(delivery_ids)s),
           unnest(%(expires)s)
    ON CONFLICT (integration_id, digest) DO UPDATE
        SET webhook_delivery_id = excluded.webhook_delivery_id, expires_at = excluded.expires_at
        WHERE held.expires_at <= %(now)s
    RETURNING digest
)
SELECT array_agg(digest) AS won,
       CASE %(all_or_void)s WHEN 1 THEN set_config('tocsin.void', 'yes', true) END
FROM won HAVING count(*) < %(count)s
