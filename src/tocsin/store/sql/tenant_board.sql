-- Every tenant of a workspace with what is live of it and what does not work. What is live is looked up tenant by
-- tenant and counted up to a bound, the worst first, so that none costs more than the bound however many it has.
WITH shown AS MATERIALIZED (
    SELECT id, slug, name
    FROM tenants
    WHERE workspace_id = %(workspace_id)s
      AND deleted_at IS NULL
      AND (%(pattern)s::text IS NULL OR name ILIKE %(pattern)s OR slug ILIKE %(pattern)s)
    ORDER BY lower(name), id
    LIMIT %(most_tenants)s
),
missed AS (
    SELECT heartbeats.tenant_id, count(*) AS number
    FROM heartbeat_statuses
    JOIN heartbeats ON heartbeats.id = heartbeat_statuses.heartbeat_id
    WHERE heartbeat_statuses.state = 'down'
      AND heartbeats.workspace_id = %(workspace_id)s
      AND heartbeats.deleted_at IS NULL
    GROUP BY heartbeats.tenant_id
),
given_up AS (
    SELECT tenant_id, count(*) AS number
    FROM (
        SELECT tenant_id
        FROM alert_deliveries
        WHERE workspace_id = %(workspace_id)s AND status = 'failed' AND id >= %(since)s
        ORDER BY id DESC
        LIMIT %(most_messages)s
    ) AS newest
    GROUP BY tenant_id
),
stuck AS (
    SELECT tenant_id, count(*) AS number
    FROM (
        SELECT waiting.tenant_id
        FROM alert_destinations
        JOIN destination_states
            ON destination_states.alert_destination_id = alert_destinations.id
        CROSS JOIN LATERAL (
            SELECT tenant_id
            FROM alert_deliveries
            WHERE alert_destination_id = alert_destinations.id AND status = 'queued'
            LIMIT %(most_messages)s
        ) AS waiting
        WHERE alert_destinations.workspace_id = %(workspace_id)s
          AND alert_destinations.deleted_at IS NULL
          AND alert_destinations.is_enabled
          AND destination_states.failing_since IS NOT NULL
        LIMIT %(most_messages)s
    ) AS all_waiting
    GROUP BY tenant_id
)
SELECT
    shown.id,
    shown.slug,
    shown.name,
    live.counts,
    coalesce(missed.number, 0) AS missed_heartbeats,
    coalesce(given_up.number, 0) AS failed_messages,
    coalesce(stuck.number, 0) AS stuck_messages
FROM shown
CROSS JOIN LATERAL (
    SELECT ARRAY[
        count(*) FILTER (WHERE severity = 'CRITICAL'),
        count(*) FILTER (WHERE severity = 'HIGH'),
        count(*) FILTER (WHERE severity = 'MEDIUM'),
        count(*) FILTER (WHERE severity = 'LOW'),
        count(*) FILTER (WHERE severity = 'INFO')
    ] AS counts
    FROM (
        SELECT severity
        FROM alerts
        WHERE tenant_id = shown.id AND status IN ('OPEN', 'ACKNOWLEDGED')
        ORDER BY severity
        LIMIT %(most_live)s
    ) AS worst
) AS live
LEFT JOIN missed ON missed.tenant_id = shown.id
LEFT JOIN given_up ON given_up.tenant_id = shown.id
LEFT JOIN stuck ON stuck.tenant_id = shown.id
ORDER BY lower(shown.name), shown.id
