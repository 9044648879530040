-- What is expected of the heartbeats that are named as in `lock_heartbeats`. A statement of its own: its
-- snapshot must be younger than the locks. OFFSET 0 keeps each a look-up by its id: whether it was deleted
-- is part of other indexes, which would be read whole for it.
SELECT heartbeat.id, heartbeat.token_digest, heartbeat.workspace_id, heartbeat.slug, heartbeat.methods,
       :PART(heartbeat_expectation)
FROM (:PART(heartbeat_ids)) AS named
CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = named.id OFFSET 0) AS heartbeat
WHERE deleted_at IS NULL
