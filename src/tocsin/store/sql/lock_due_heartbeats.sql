-- Heartbeats that it is time to look at, the longest waiting first. One that is pinging at this moment
-- is locked, and looked at the next time.
SELECT heartbeat_id, state, last_ping_at, started_at, run_id, due_at, due_reason, look_at, paused_until,
       down_since, successes, ended_run_id, ended_with, ping_count, last_duration_ms
FROM heartbeat_statuses
WHERE look_at <= %(now)s
ORDER BY look_at
LIMIT %(most)s
FOR UPDATE SKIP LOCKED
