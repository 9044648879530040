-- The alerts that the transaction opens. See `add_alert_events.sql` for how the columns are unpacked.
INSERT INTO alerts (
    id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
    external_id, triggered_at, acknowledged_at, resolved_at, metadata, labels, occurrence_count,
    last_received_at, last_signal_at, words_digest, flaps, created_at, updated_at)
SELECT id, workspace_id, tenant_id, integration_id, title, description, severity::alert_severity,
       status::alert_status, source, external_id, triggered_at, acknowledged_at, resolved_at,
       metadata::jsonb, labels::jsonb, occurrence_count, last_received_at, last_signal_at, words_digest,
       flaps::jsonb, created_at, created_at
FROM (
    SELECT unnest(%(id)s) AS id, unnest(%(workspace_id)s) AS workspace_id,
           unnest(%(tenant_id)s) AS tenant_id, unnest(%(integration_id)s) AS integration_id,
           unnest(%(title)s) AS title, unnest(%(description)s) AS description,
           unnest(%(severity)s) AS severity, unnest(%(status)s) AS status,
           unnest(%(source)s) AS source, unnest(%(external_id)s) AS external_id,
           unnest(%(triggered_at)s) AS triggered_at,
           unnest(%(acknowledged_at)s) AS acknowledged_at, unnest(%(resolved_at)s) AS resolved_at,
           unnest(%(metadata)s) AS metadata, unnest(%(labels)s) AS labels,
           unnest(%(occurrence_count)s) AS occurrence_count,
           unnest(%(last_received_at)s) AS last_received_at,
           unnest(%(last_signal_at)s) AS last_signal_at,
           unnest(%(words_digest)s) AS words_digest, unnest(%(flaps)s) AS flaps,
           unnest(%(created_at)s) AS created_at
) AS given
WHERE :PART(unless_void)
