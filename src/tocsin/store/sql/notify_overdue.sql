-- The fallback is notified of each alert whose escalation is overdue, once for each round: an escalation
-- that does not go on is as good as one that reaches nobody.
WITH overdue AS (
    SELECT DISTINCT ON (alert_id) id, alert_id, workspace_id, alert_rule_id, next_at
    FROM escalations
    WHERE state IN ('running', 'held') AND next_at < %(before)s
    ORDER BY alert_id, next_at
    LIMIT %(most)s
), found AS (
    SELECT overdue.*, alert.tenant_id, alert.severity, alert.title, fallback.id AS fallback_id,
           workspace.name AS workspace_name, workspace.slug, tenant.name AS tenant_name,
           tenant.slug AS tenant_slug, rule.name AS rule_name, to_jsonb(alert) AS document
    FROM overdue
    JOIN alerts AS alert ON alert.id = overdue.alert_id AND alert.status = 'OPEN'
    JOIN tenants AS tenant ON tenant.id = alert.tenant_id
    JOIN alert_rules AS rule ON rule.id = overdue.alert_rule_id
    JOIN workspaces AS workspace ON workspace.id = overdue.workspace_id
    JOIN alert_destinations AS fallback
      ON fallback.id = workspace.fallback_destination_id AND fallback.is_enabled
    WHERE NOT EXISTS (
        SELECT FROM alert_deliveries AS told
        WHERE told.alert_id = overdue.alert_id AND told.escalation_id = overdue.id
          AND told.reason = 'fallback')
), made AS (
    INSERT INTO alert_deliveries (
        id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
        payload, reason, urgency, escalation_id, detail)
    SELECT (%(ids)s::uuid[])[row_number() OVER ()], workspace_id, tenant_id, alert_rule_id, fallback_id,
           alert_id, 'alerts.triggered', 'queued',
           jsonb_build_object(
               'event_type', 'alerts.triggered', 'created_at', %(now)s::timestamptz,
               'workspace', jsonb_build_object(
                   'id', workspace_id, 'name', workspace_name, 'slug', slug),
               'tenant', jsonb_build_object(
                   'id', tenant_id, 'name', tenant_name, 'slug', tenant_slug),
               'rule', jsonb_build_object('id', alert_rule_id, 'name', rule_name),
               'actor', NULL,
               'alert', document,
               'note', 'Sent here because its escalation should have gone on at '
                   || to_char(next_at AT TIME ZONE 'UTC', 'HH24:MI "UTC"') || ', and has not.'),
           'fallback', severity, id,
           '{"fallback_for": {"name": "an escalation that does not go on"}}'::jsonb
    FROM found
    ON CONFLICT DO NOTHING
    RETURNING id
), woken AS (
    SELECT pg_notify('tocsin_deliveries', '') FROM made LIMIT 1
)
SELECT (SELECT count(*) FROM made) AS count, (SELECT count(*) FROM woken) AS woken
