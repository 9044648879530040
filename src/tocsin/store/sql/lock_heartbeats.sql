-- What is known of the heartbeats that are named, by digest of token, by slug in their workspace, or by
-- id; locked in one order, to the end of the transaction.
SELECT heartbeat_id, state, last_ping_at, started_at, run_id, due_at, due_reason, look_at, paused_until,
       down_since, successes, ended_run_id, ended_with, waiting_since, ping_count,
       last_duration_ms
FROM heartbeat_statuses
WHERE heartbeat_id = ANY (ARRAY(
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
ORDER BY heartbeat_id
FOR UPDATE
