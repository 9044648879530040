-- Alerts with which something is to be done now, the longest waiting first, with what to lock them by.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT DISTINCT alert_id
    FROM (
        SELECT alert_id FROM alert_timers
        WHERE due_at <= %(now)s
          AND alert_id <> ALL (%(except_ids)s) AND workspace_id <> ALL (%(except_workspaces)s)
        ORDER BY due_at LIMIT %(most)s
    ) AS due
) AS next
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = next.alert_id OFFSET 0
) AS alert
