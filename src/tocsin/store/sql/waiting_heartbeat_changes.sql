-- Changes with which an alert begins or ends, in the order in which they were written, and what there is
-- to say of their heartbeats.
SELECT change.sequence, change.id, change.heartbeat_id, change.at, change.before, change.after,
       change.reason, change.exit_code, change.body,
       heartbeat.integration_id, heartbeat.tenant_id, heartbeat.name, heartbeat.slug, heartbeat.kind,
       heartbeat.description, heartbeat.alert_title,
       heartbeat.period_seconds, heartbeat.expressions, heartbeat.timezone, heartbeat.grace_seconds,
       heartbeat.max_run_seconds, heartbeat.expect_first_within_seconds, heartbeat.severity::text, heartbeat.labels,
       status.last_ping_at, status.waiting_since, status.loss_id
FROM (
    SELECT * FROM heartbeat_changes
    WHERE processed_at IS NULL AND heartbeat_id <> ALL (%(except_ids)s)
    ORDER BY sequence LIMIT %(most)s
) AS change
CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = change.heartbeat_id OFFSET 0) AS heartbeat
CROSS JOIN LATERAL (
    SELECT last_ping_at, waiting_since, loss_id FROM heartbeat_statuses WHERE heartbeat_id = change.heartbeat_id OFFSET 0
) AS status
ORDER BY change.sequence
