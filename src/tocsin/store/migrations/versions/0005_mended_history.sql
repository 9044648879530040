-- What history mentions and is no more gets a row again, marked as deleted. Nothing of history is dropped.
-- Names come from the audit log, where it still has them. Run twice, it changes nothing the second time.

-- Alerts that retention removed while messages of theirs were kept; what they were stands in the newest
-- message. They have ended: those that were live are closed.
CREATE TEMPORARY TABLE lost_alerts ON COMMIT DROP AS
SELECT DISTINCT ON (d.alert_id)
       d.alert_id AS id, d.workspace_id, d.tenant_id,
       CASE WHEN said.alert ->> 'integration_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN (said.alert ->> 'integration_id')::uuid
            -- One for all of the workspace that do not say it.
            ELSE md5('integration of ' || d.workspace_id)::uuid END AS integration_id,
       coalesce(said.alert ->> 'title', 'Removed alert') AS title,
       said.alert ->> 'description' AS description,
       CASE WHEN said.alert ->> 'severity' = ANY (enum_range(NULL::alert_severity)::text[])
            THEN (said.alert ->> 'severity')::alert_severity ELSE 'HIGH' END AS severity,
       CASE WHEN said.alert ->> 'status' = 'RESOLVED' THEN 'RESOLVED'::alert_status
            ELSE 'CLOSED'::alert_status END AS status,
       coalesce(said.alert ->> 'source', 'unknown') AS source,
       said.alert ->> 'external_id' AS external_id,
       CASE WHEN said.alert ->> 'triggered_at' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$'
            THEN (said.alert ->> 'triggered_at')::timestamptz ELSE d.created_at END AS triggered_at,
       d.created_at AS ended_at,
       CASE WHEN jsonb_typeof(said.alert -> 'metadata') = 'object'
            THEN said.alert -> 'metadata' ELSE '{}' END AS metadata,
       CASE WHEN jsonb_typeof(said.alert -> 'labels') = 'object'
            THEN said.alert -> 'labels' ELSE '{}' END AS labels
FROM alert_deliveries d
CROSS JOIN LATERAL (
    SELECT CASE WHEN jsonb_typeof(d.payload -> 'alert') = 'object' THEN d.payload -> 'alert' END
) AS said (alert)
WHERE d.alert_id IS NOT NULL AND NOT EXISTS (SELECT FROM alerts a WHERE a.id = d.alert_id)
ORDER BY d.alert_id, said.alert IS NULL, d.id DESC;

-- Everything that is mentioned and missing, with the workspace of whoever mentions it.
CREATE TEMPORARY TABLE lost ON COMMIT DROP AS
SELECT DISTINCT ON (mentioned.kind, mentioned.id)
       mentioned.kind, mentioned.id, mentioned.workspace_id, mentioned.tenant_id
FROM (
    SELECT 'integration' AS kind, integration_id AS id, workspace_id, tenant_id FROM alerts a
    WHERE NOT EXISTS (SELECT FROM integrations i WHERE i.id = a.integration_id)
    UNION ALL
    SELECT 'integration', integration_id, workspace_id, tenant_id FROM lost_alerts a
    WHERE NOT EXISTS (SELECT FROM integrations i WHERE i.id = a.integration_id)
    UNION ALL
    SELECT 'integration', integration_id, NULL, NULL FROM webhook_deliveries d
    WHERE NOT EXISTS (SELECT FROM integrations i WHERE i.id = d.integration_id)
    UNION ALL
    SELECT 'tenant', tenant_id, workspace_id, NULL FROM alerts a
    WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = a.tenant_id)
    UNION ALL
    SELECT 'tenant', tenant_id, workspace_id, NULL FROM alert_deliveries d
    WHERE tenant_id IS NOT NULL AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = d.tenant_id)
    UNION ALL
    SELECT 'alert_rule', alert_rule_id, workspace_id, NULL FROM alert_deliveries d
    WHERE alert_rule_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM alert_rules r WHERE r.id = d.alert_rule_id)
    UNION ALL
    SELECT 'alert_destination', alert_destination_id, workspace_id, NULL FROM alert_deliveries d
    WHERE NOT EXISTS (SELECT FROM alert_destinations t WHERE t.id = d.alert_destination_id)
) AS mentioned
ORDER BY mentioned.kind, mentioned.id, mentioned.workspace_id NULLS LAST;

ALTER TABLE lost
    ADD COLUMN name text, ADD COLUMN slug text, ADD COLUMN type text, ADD COLUMN at timestamptz;

UPDATE lost
SET workspace_id = coalesce(lost.workspace_id, told.workspace_id),
    name = told.before ->> 'name', slug = told.before ->> 'slug', type = told.before ->> 'type',
    at = told.at
FROM (
    SELECT DISTINCT ON (object_type, object_id) * FROM audit_events
    WHERE action = 'deleted' AND object_id IN (SELECT id FROM lost)
    ORDER BY object_type, object_id, id DESC
) AS told
WHERE told.object_type = lost.kind AND told.object_id = lost.id;

-- What nobody can place belongs to a workspace that nobody has a key to.
UPDATE lost SET workspace_id = md5('workspace of ' || id)::uuid WHERE workspace_id IS NULL;

-- As the key does from now on when retention removes an alert.
UPDATE webhook_deliveries d SET alert_id = NULL
WHERE alert_id IS NOT NULL AND NOT EXISTS (SELECT FROM alerts a WHERE a.id = d.alert_id)
  AND alert_id NOT IN (SELECT id FROM lost_alerts);

-- From here on commits of webhooks wait, for a moment: configuration changes.
INSERT INTO workspaces (id, slug, name)
SELECT DISTINCT workspace_id, 'deleted-' || workspace_id, 'Deleted workspace'
FROM lost
WHERE NOT EXISTS (SELECT FROM workspaces w WHERE w.id = lost.workspace_id);

INSERT INTO tenants (id, workspace_id, slug, name, created_at, updated_at, deleted_at)
SELECT id, workspace_id, coalesce(slug, 'unknown'), coalesce(name, 'Unknown'),
       coalesce(at, now()), coalesce(at, now()), coalesce(at, now())
FROM lost
WHERE kind = 'tenant';

INSERT INTO tenants (id, workspace_id, slug, name)
SELECT DISTINCT md5('tenant of ' || workspace_id)::uuid, workspace_id, 'default', 'Default'
FROM lost
WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.workspace_id = lost.workspace_id);

INSERT INTO integrations (
    id, workspace_id, tenant_id, name, type, webhook_secret, is_active, created_at, updated_at,
    deleted_at)
SELECT id, workspace_id,
       coalesce(tenant_id, (
           SELECT t.id FROM tenants t WHERE t.workspace_id = lost.workspace_id
           ORDER BY t.slug = 'default' DESC, t.id LIMIT 1)),
       coalesce(name, 'unknown'), coalesce(type, 'generic'), '', false,
       coalesce(at, now()), coalesce(at, now()), coalesce(at, now())
FROM lost
WHERE kind = 'integration';

INSERT INTO alert_destinations (
    id, workspace_id, name, type, is_enabled, created_at, updated_at, deleted_at)
SELECT id, workspace_id, coalesce(name, 'unknown'), coalesce(type, 'webhook'), false,
       coalesce(at, now()), coalesce(at, now()), coalesce(at, now())
FROM lost
WHERE kind = 'alert_destination';

INSERT INTO alert_rules (
    id, workspace_id, name, is_enabled, event_types, destination_ids, created_at, updated_at,
    deleted_at)
SELECT id, workspace_id, coalesce(name, 'unknown'), false, '{}', '{}',
       coalesce(at, now()), coalesce(at, now()), coalesce(at, now())
FROM lost
WHERE kind = 'alert_rule';

INSERT INTO alerts (
    id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
    external_id, triggered_at, resolved_at, closed_at, metadata, labels, last_received_at,
    last_signal_at, created_at, updated_at)
SELECT id, workspace_id, tenant_id, integration_id, title, description, severity, status, source,
       external_id, triggered_at,
       CASE WHEN status = 'RESOLVED' THEN ended_at END, CASE WHEN status = 'CLOSED' THEN ended_at END,
       metadata, labels, ended_at, triggered_at, triggered_at, ended_at
FROM lost_alerts;
