-- Those that went down while a loss is under way are of it. The transaction has their rows locked.
UPDATE heartbeat_statuses status SET loss_id = loss.id
FROM heartbeats heartbeat
JOIN heartbeat_losses loss USING (integration_id, tenant_id)
WHERE status.heartbeat_id = ANY (%(ids)s) AND heartbeat.id = status.heartbeat_id
