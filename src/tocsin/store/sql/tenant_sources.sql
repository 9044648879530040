-- Who sends for each tenant, when they were heard last, and how often they use to be heard. The second is only read of
-- those that have not been heard for a while: nobody else can be silent.
SELECT integrations.tenant_id, integrations.id, integrations.name, newest.last_at,
    (newest.last_at - recent.first_at) / nullif(recent.number - 1, 0) AS usual_gap, recent.number
FROM integrations
LEFT JOIN LATERAL (
    SELECT created_at AS last_at
    FROM webhook_deliveries
    WHERE integration_id = integrations.id
    ORDER BY created_at DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT min(created_at) AS first_at, count(*) AS number
    FROM (
        SELECT created_at
        FROM webhook_deliveries
        WHERE integration_id = integrations.id AND newest.last_at < %(heard_before)s
        ORDER BY created_at DESC
        LIMIT %(looked_at)s
    ) AS few
) AS recent ON true
WHERE integrations.workspace_id = %(workspace_id)s
  AND integrations.is_active
  AND integrations.deleted_at IS NULL
ORDER BY integrations.name, integrations.id
LIMIT %(most_sources)s
