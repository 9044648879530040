-- What is expected of the heartbeats that are named as in `lock_heartbeats`. A statement of its own: its
-- snapshot must be younger than the locks.
SELECT id, token_digest, workspace_id, slug, kind, period_seconds, expressions, timezone,
       grace_seconds, max_run_seconds, methods, manual_resume, recovery_pings
FROM heartbeats
WHERE deleted_at IS NULL AND id = ANY (ARRAY(
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
))
