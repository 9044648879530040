-- The newest end per alert key, for as long as the integration's window.
INSERT INTO resolutions (
    integration_id, external_id, occurred_at, alert_id, alert_resolved_at, arrived_at, expires_at)
SELECT * FROM unnest(
    %(integration_id)s, %(external_id)s, %(occurred_at)s, %(alert_id)s, %(alert_resolved_at)s,
    %(arrived_at)s, %(expires_at)s)
ON CONFLICT (integration_id, external_id) DO UPDATE SET
    occurred_at = excluded.occurred_at,
    alert_id = excluded.alert_id,
    alert_resolved_at = excluded.alert_resolved_at,
    arrived_at = excluded.arrived_at,
    expires_at = excluded.expires_at
