-- The alerts that the transaction opens.
INSERT INTO alerts (
    id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
    external_id, triggered_at, acknowledged_at, resolved_at, metadata, labels, occurrence_count,
    last_received_at, last_signal_at, words_digest, flaps, created_at, updated_at)
SELECT id, workspace_id, tenant_id, integration_id, title, description, severity::alert_severity,
       status::alert_status, source, external_id, triggered_at, acknowledged_at, resolved_at,
       metadata::jsonb, labels::jsonb, occurrence_count, last_received_at, last_signal_at, words_digest,
       flaps::jsonb, created_at, created_at
FROM unnest(
    %(id)s, %(workspace_id)s, %(tenant_id)s, %(integration_id)s, %(title)s, %(description)s,
    %(severity)s, %(status)s, %(source)s, %(external_id)s, %(triggered_at)s, %(acknowledged_at)s,
    %(resolved_at)s, %(metadata)s, %(labels)s, %(occurrence_count)s, %(last_received_at)s,
    %(last_signal_at)s, %(words_digest)s, %(flaps)s, %(created_at)s
) AS given (
    id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
    external_id, triggered_at, acknowledged_at, resolved_at, metadata, labels, occurrence_count,
    last_received_at, last_signal_at, words_digest, flaps, created_at)
