-- Losses of which some came back, and none for a while.
SELECT id, integration_id, tenant_id FROM heartbeat_losses
WHERE returned > 0 AND moved_at <= %(before)s
