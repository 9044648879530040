-- Of these tenants: the alert that nobody has had for longest, when the newest live one came, and who has some of the worst.
-- Of each severity the oldest thousand are looked through for one that nobody has, and the worst hundred for who has some.
SELECT tenant.id AS tenant_id, oldest.alert_id, oldest.title, oldest.severity, oldest.triggered_at,
    newest.at AS newest_at, holders.names
FROM unnest(%(ids)s::uuid[]) AS tenant (id)
LEFT JOIN LATERAL (
    SELECT first.*
    FROM unnest(enum_range(NULL::alert_severity)) AS level (severity)
    CROSS JOIN LATERAL (
        SELECT few.id AS alert_id, few.title, few.severity, few.triggered_at
        FROM (
            SELECT id, title, severity, status, triggered_at
            FROM alerts
            WHERE tenant_id = tenant.id AND severity = level.severity AND status IN ('OPEN', 'ACKNOWLEDGED')
            ORDER BY id
            LIMIT 1000
        ) AS few
        WHERE few.status = 'OPEN'
        LIMIT 1
    ) AS first
    ORDER BY first.triggered_at
    LIMIT 1
) AS oldest ON true
LEFT JOIN LATERAL (
    SELECT max(last.created_at) AS at
    FROM unnest(enum_range(NULL::alert_severity)) AS level (severity)
    CROSS JOIN LATERAL (
        SELECT created_at
        FROM alerts
        WHERE tenant_id = tenant.id AND severity = level.severity AND status IN ('OPEN', 'ACKNOWLEDGED')
        ORDER BY id DESC
        LIMIT 1
    ) AS last
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT taken.name) AS names
    FROM (
        SELECT few.id
        FROM (
            SELECT id, status
            FROM alerts
            WHERE tenant_id = tenant.id AND status IN ('OPEN', 'ACKNOWLEDGED')
            ORDER BY severity, id DESC
            LIMIT 100
        ) AS few
        WHERE few.status = 'ACKNOWLEDGED'
        LIMIT 10
    ) AS worst
    CROSS JOIN LATERAL (
        SELECT actor ->> 'name' AS name
        FROM alert_events
        WHERE alert_id = worst.id AND kind = 'acknowledged'
        ORDER BY id DESC
        LIMIT 1
    ) AS taken
) AS holders ON true
