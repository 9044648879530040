-- Heartbeats that it is time to look at, the longest waiting first, and what is expected of them. One that
-- is pinging at this moment is locked, and looked at the next time.
SELECT status.heartbeat_id, status.state, status.last_ping_at, status.started_at, status.run_id,
       status.due_at, status.due_reason, status.look_at, status.paused_until, status.down_since,
       status.successes, status.ended_run_id, status.ended_with, status.waiting_since,
       status.ping_count, status.last_duration_ms,
       heartbeat.kind, heartbeat.period_seconds, heartbeat.expressions, heartbeat.timezone,
       heartbeat.grace_seconds, heartbeat.max_run_seconds, heartbeat.recovery_pings,
       heartbeat.manual_resume, heartbeat.expect_first_within_seconds
FROM heartbeat_statuses status
CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = status.heartbeat_id OFFSET 0) AS heartbeat
WHERE status.look_at <= %(now)s
ORDER BY status.look_at
LIMIT %(most)s
FOR UPDATE OF status SKIP LOCKED
