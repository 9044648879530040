-- The newest end per alert key, for as long as the integration's window.
INSERT INTO resolutions (integration_id, external_id, occurred_at, alert_id, alert_resolved_at, expires_at)
SELECT * FROM unnest(
    %(integration_ids)s, %(external_ids)s, %(occurred)s, %(alert_ids)s, %(resolved)s, %(expires)s)
ON CONFLICT (integration_id, external_id) DO UPDATE SET
    occurred_at = excluded.occurred_at,
    alert_id = excluded.alert_id,
    alert_resolved_at = excluded.alert_resolved_at,
    expires_at = excluded.expires_at
