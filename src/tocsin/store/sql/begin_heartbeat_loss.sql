-- Many heartbeats are lost together. Where another leader has found that at the same moment, it is its.
INSERT INTO heartbeat_losses (id, integration_id, tenant_id, began_at, moved_at)
SELECT given.id, given.integration_id, given.tenant_id, %(now)s, %(now)s
FROM unnest(%(ids)s, %(integration_ids)s, %(tenant_ids)s) AS given (id, integration_id, tenant_id)
ON CONFLICT (integration_id, tenant_id) DO NOTHING
