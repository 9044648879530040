-- One alert whole, for a person who is about to change it; its problem is locked.
SELECT configuration.version, alert.workspace_id, alert.integration_id, alert.severity::text,
       alert.status::text, alert.triggered_at, alert.last_signal_at, alert.last_received_at,
       alert.occurrence_count, alert.acknowledged_at, alert.resolved_at, alert.tenant_id,
       alert.title, alert.description, alert.external_id, alert.labels, alert.metadata,
       alert.created_at
FROM configuration
LEFT JOIN alerts alert ON alert.id = %(id)s AND alert.workspace_id = %(workspace_id)s
