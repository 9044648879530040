-- Of how many a ping is expected, and how many are missing it: more than half of their grace is over, or
-- all of it.
SELECT count(*) AS expected,
       count(*) FILTER (
           WHERE status.due_at <= %(now)s + CASE WHEN status.due_reason = 'timeout'
               THEN make_interval(secs => heartbeat.grace_seconds / 2.0)
               ELSE make_interval() END
       ) AS missing
FROM heartbeats heartbeat
JOIN heartbeat_statuses status ON status.heartbeat_id = heartbeat.id
WHERE heartbeat.integration_id = ANY (%(integration_ids)s)
  AND heartbeat.tenant_id = ANY (%(tenant_ids)s)
  AND heartbeat.deleted_at IS NULL
  AND status.due_at IS NOT NULL
