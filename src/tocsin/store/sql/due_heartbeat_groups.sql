-- Heartbeats that fall due at this moment, by whose alerts they open and for which tenant; and the loss
-- that is under way there.
SELECT due.integration_id, due.tenant_id, due.due, loss.id AS loss_id
FROM (
    SELECT heartbeat.integration_id, heartbeat.tenant_id, count(*) AS due
    FROM heartbeat_statuses status
    JOIN heartbeats heartbeat ON heartbeat.id = status.heartbeat_id
    WHERE status.look_at <= %(now)s AND status.due_at <= %(now)s
    GROUP BY heartbeat.integration_id, heartbeat.tenant_id
) AS due
LEFT JOIN heartbeat_losses loss USING (integration_id, tenant_id)
