-- The batch itself: deliveries, new alerts and what happened to alerts, in one statement.
WITH delivery AS (
    INSERT INTO webhook_deliveries (
        id, integration_id, idempotency_key, content_fingerprint, raw_payload, headers, status_code,
        outcome, error_message, flags, processed_at, alert_id, duplicate_of_id, replay_of_id,
        created_at)
    SELECT id, integration_id, idempotency_key, content_fingerprint, raw_payload::json,
           headers::jsonb, status_code, outcome, error_message, flags::text[], processed_at, alert_id,
           duplicate_of_id, replay_of_id, created_at
    FROM unnest(
        %(d_id)s, %(d_integration_id)s, %(d_idempotency_key)s, %(d_content_fingerprint)s,
        %(d_raw_payload)s, %(d_headers)s, %(d_status_code)s, %(d_outcome)s, %(d_error_message)s,
        %(d_flags)s, %(d_processed_at)s, %(d_alert_id)s, %(d_duplicate_of_id)s, %(d_replay_of_id)s,
        %(d_created_at)s
    ) AS given (
        id, integration_id, idempotency_key, content_fingerprint, raw_payload, headers, status_code,
        outcome, error_message, flags, processed_at, alert_id, duplicate_of_id, replay_of_id,
        created_at)
), alert AS (
    INSERT INTO alerts (
        id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
        external_id, triggered_at, acknowledged_at, resolved_at, metadata, labels, occurrence_count,
        last_received_at, last_signal_at, created_at, updated_at)
    SELECT id, workspace_id, tenant_id, integration_id, title, description,
           severity::alert_severity, status::alert_status, source, external_id, triggered_at,
           acknowledged_at, resolved_at, metadata::jsonb, labels::jsonb, occurrence_count,
           last_received_at, last_signal_at, created_at, created_at
    FROM unnest(
        %(a_id)s, %(a_workspace_id)s, %(a_tenant_id)s, %(a_integration_id)s, %(a_title)s,
        %(a_description)s, %(a_severity)s, %(a_status)s, %(a_source)s, %(a_external_id)s,
        %(a_triggered_at)s, %(a_acknowledged_at)s, %(a_resolved_at)s, %(a_metadata)s, %(a_labels)s,
        %(a_occurrence_count)s, %(a_last_received_at)s, %(a_last_signal_at)s, %(a_created_at)s
    ) AS given (
        id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
        external_id, triggered_at, acknowledged_at, resolved_at, metadata, labels, occurrence_count,
        last_received_at, last_signal_at, created_at)
)
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
SELECT id, alert_id, kind, at, actor::jsonb, webhook_delivery_id, detail::jsonb
FROM unnest(
    %(e_id)s, %(e_alert_id)s, %(e_kind)s, %(e_at)s, %(e_actor)s, %(e_webhook_delivery_id)s,
    %(e_detail)s
) AS given (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
