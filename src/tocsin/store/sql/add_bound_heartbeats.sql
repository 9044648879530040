-- Heartbeats of their own for what a bound one has found, as it is configured. Of each no more than so
-- many: whoever sends labels must not fill the table.
WITH made AS (
    INSERT INTO heartbeats (
        id, workspace_id, tenant_id, integration_id, name, slug, kind, period_seconds, expressions,
        timezone, grace_seconds, max_run_seconds, severity, labels, methods, manual_resume,
        recovery_pings, description, alert_title, parent_id, bound_values)
    SELECT given.id, parent.workspace_id, parent.tenant_id, parent.integration_id,
           left(parent.name || ' ' || given.shown, 200),
           left(parent.slug, 40) || '-' || right(replace(given.id::text, '-', ''), 16),
           parent.kind, parent.period_seconds, parent.expressions, parent.timezone,
           parent.grace_seconds, parent.max_run_seconds, parent.severity,
           parent.labels || given.labels::jsonb, parent.methods, parent.manual_resume,
           parent.recovery_pings, parent.description, parent.alert_title, parent.id,
           ARRAY(SELECT jsonb_array_elements_text(given.bound_values::jsonb))
    FROM unnest(%(ids)s, %(parent_ids)s, %(shown)s, %(labels)s, %(bound_values)s)
        AS given (id, parent_id, shown, labels, bound_values)
    CROSS JOIN LATERAL (SELECT * FROM heartbeats WHERE id = given.parent_id OFFSET 0) AS parent
    WHERE parent.deleted_at IS NULL
      AND (SELECT count(*) FROM heartbeats child
           WHERE child.parent_id = parent.id AND child.deleted_at IS NULL) < %(most)s
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO heartbeat_statuses (heartbeat_id) SELECT id FROM made
