-- Write back what `lock_buckets` read and the claims spent, in the same transaction.
UPDATE rate_buckets AS bucket
SET tokens = spent.tokens, refilled_at = now(), spent_at = spent.spent_at
FROM json_to_recordset(%(buckets)s::json) AS spent (key uuid, tokens float8, spent_at timestamptz[])
WHERE bucket.key = spent.key
