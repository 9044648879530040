-- Nobody watched for a while. Whoever was expected meanwhile may have tried without success: each such heartbeat
-- gets its grace, or as long as a short period, from now on.
WITH late AS (
    SELECT status.heartbeat_id,
           greatest(
               status.due_at,
               %(now)s + make_interval(secs => greatest(
                   heartbeat.grace_seconds, least(coalesce(heartbeat.period_seconds, 300), 300)))
           ) AS due_at
    FROM heartbeat_statuses status
    JOIN heartbeats heartbeat ON heartbeat.id = status.heartbeat_id
    WHERE status.due_at IS NOT NULL
      AND status.due_at < %(now)s + make_interval(secs => heartbeat.grace_seconds)
    ORDER BY status.heartbeat_id
    FOR UPDATE OF status
), given AS (
    UPDATE heartbeat_statuses status SET due_at = late.due_at, look_at = late.due_at
    FROM late WHERE status.heartbeat_id = late.heartbeat_id
    RETURNING status.heartbeat_id
)
SELECT count(*) AS given FROM given
