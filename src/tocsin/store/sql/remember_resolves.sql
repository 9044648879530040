-- The newest end per alert key, for as long as the integration's window, and longer where it may flap.
INSERT INTO resolutions (
    integration_id, external_id, occurred_at, alert_id, alert_resolved_at, arrived_at, late_until,
    flaps, expires_at)
SELECT given.integration_id, given.external_id, given.occurred_at, given.alert_id,
       given.alert_resolved_at, given.arrived_at, given.late_until, given.flaps::jsonb, given.expires_at
FROM unnest(
    %(integration_id)s, %(external_id)s, %(occurred_at)s, %(alert_id)s, %(alert_resolved_at)s,
    %(arrived_at)s, %(late_until)s, %(flaps)s, %(expires_at)s)
    AS given (integration_id, external_id, occurred_at, alert_id, alert_resolved_at, arrived_at,
              late_until, flaps, expires_at)
ON CONFLICT (integration_id, external_id) DO UPDATE SET
    occurred_at = excluded.occurred_at,
    alert_id = excluded.alert_id,
    alert_resolved_at = excluded.alert_resolved_at,
    arrived_at = excluded.arrived_at,
    late_until = excluded.late_until,
    flaps = excluded.flaps,
    expires_at = excluded.expires_at
