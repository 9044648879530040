-- Heartbeats that are expected by the clocks of a time zone, some at a time, under their locks.
SELECT status.heartbeat_id, status.state, status.last_ping_at, status.started_at, status.run_id,
       status.due_at, status.due_reason, status.look_at, status.paused_until, status.down_since,
       status.successes, status.ended_run_id, status.ended_with, status.waiting_since,
       status.ping_count, status.last_duration_ms,
       heartbeat.kind, heartbeat.period_seconds, heartbeat.expressions, heartbeat.timezone,
       heartbeat.grace_seconds, heartbeat.max_run_seconds, heartbeat.recovery_pings,
       heartbeat.manual_resume, heartbeat.expect_first_within_seconds
FROM heartbeats heartbeat
JOIN heartbeat_statuses status ON status.heartbeat_id = heartbeat.id
WHERE heartbeat.id > %(after)s
  AND heartbeat.kind IN ('cron', 'calendar')
  AND heartbeat.deleted_at IS NULL
ORDER BY heartbeat.id
LIMIT %(most)s
FOR UPDATE OF status
