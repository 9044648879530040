-- Alerts of these workspaces with messages that are held, in the order of their ids, from after one on.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT DISTINCT alert_id
    FROM (
        SELECT alert_id FROM alert_deliveries
        WHERE status = 'deferred' AND alert_id > %(after)s AND carried_by IS NULL
          AND reason NOT IN ('escalation', 'bundled')
          AND workspace_id = ANY (%(workspace_ids)s)
        ORDER BY alert_id LIMIT %(most)s
    ) AS next
) AS held
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = held.alert_id OFFSET 0
) AS alert
ORDER BY alert.id
