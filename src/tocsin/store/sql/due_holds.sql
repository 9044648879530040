-- Alerts with messages whose holds are over (pages: `due_escalations.sql`), the longest waiting first, with what to lock them by.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT DISTINCT alert_id
    FROM (
        SELECT alert_id FROM alert_deliveries
        WHERE status = 'deferred' AND send_after <= %(now)s AND reason NOT IN ('escalation', 'bundled')
          AND alert_id <> ALL (%(except_ids)s) AND workspace_id <> ALL (%(except_workspaces)s)
        ORDER BY send_after LIMIT %(most)s
    ) AS due
) AS held
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = held.alert_id OFFSET 0
) AS alert
