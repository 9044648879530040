-- Heartbeats that it is time to look at, the longest waiting first, and what is expected of them. One that
-- is pinging at this moment is locked, and looked at the next time.
SELECT :PART(heartbeat_status), :PART(heartbeat_expectation)
FROM heartbeat_statuses status
CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = status.heartbeat_id OFFSET 0) AS heartbeat
WHERE status.look_at <= %(now)s
ORDER BY status.look_at
LIMIT %(most)s
FOR UPDATE OF status SKIP LOCKED
