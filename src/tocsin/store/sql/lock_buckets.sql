-- What is left of these rate limits. They stay locked to the end of the transaction, which claims what
-- they allow and writes them back: over all nodes, no more is sent than they say. A bucket that another
-- dispatcher is just spending from is left out; it is asked for again a moment later.
--
-- Only limited channels come here; a webhook's path never touches this table.
SELECT key, tokens, refilled_at, spent_at, now() AS at
FROM rate_buckets
WHERE key = ANY (%(keys)s::uuid[])
ORDER BY key
FOR UPDATE SKIP LOCKED
