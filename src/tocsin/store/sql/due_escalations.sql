-- Alerts of which an escalation or a page is due, the longest waiting first, with what to lock them by.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT DISTINCT alert_id
    FROM (
        (SELECT alert_id FROM escalations
         WHERE state IN ('running', 'held') AND next_at <= %(now)s
           AND alert_id <> ALL (%(except_ids)s) AND workspace_id <> ALL (%(except_workspaces)s)
         ORDER BY next_at LIMIT %(most)s)
        UNION ALL
        (SELECT alert_id FROM alert_deliveries
         WHERE status = 'deferred' AND send_after <= %(now)s AND reason = 'escalation'
           AND alert_id <> ALL (%(except_ids)s) AND workspace_id <> ALL (%(except_workspaces)s)
         ORDER BY send_after LIMIT %(most)s)
    ) AS due
) AS next
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = next.alert_id OFFSET 0
) AS alert
