-- What is expected of the heartbeats that are named as in `lock_heartbeats`. A statement of its own: its
-- snapshot must be younger than the locks. OFFSET 0 keeps each a look-up by its id: whether it was deleted
-- is part of other indexes, which would be read whole for it.
SELECT heartbeat.id, token_digest, workspace_id, slug, kind, period_seconds, expressions, timezone,
       grace_seconds, max_run_seconds, methods, manual_resume, recovery_pings,
       expect_first_within_seconds
FROM (
    SELECT id FROM heartbeats WHERE token_digest = ANY (%(digests)s)
    UNION ALL
    SELECT found.id FROM unnest(%(workspace_ids)s, %(slugs)s) AS asked (workspace_id, slug)
    CROSS JOIN LATERAL (
        SELECT id FROM heartbeats
        WHERE workspace_id = asked.workspace_id AND slug = asked.slug AND deleted_at IS NULL
        OFFSET 0
    ) AS found
    UNION ALL
    SELECT id FROM unnest(%(ids)s) AS id
) AS named
CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = named.id OFFSET 0) AS heartbeat
WHERE deleted_at IS NULL
