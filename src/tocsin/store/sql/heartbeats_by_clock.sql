-- Heartbeats that are expected by the clocks of a time zone, some at a time, under their locks.
SELECT :PART(heartbeat_status), :PART(heartbeat_expectation)
FROM heartbeats heartbeat
JOIN heartbeat_statuses status ON status.heartbeat_id = heartbeat.id
WHERE heartbeat.id > %(after)s
  AND heartbeat.kind IN ('cron', 'calendar')
  AND heartbeat.deleted_at IS NULL
ORDER BY heartbeat.id
LIMIT %(most)s
FOR UPDATE OF status
