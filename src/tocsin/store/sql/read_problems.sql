-- What is known of the problems of the batch: the live alert, and the newest resolve. A statement of
-- its own, because its snapshot must be younger than the locks. Unknown problems give no row; the
-- version of the configuration always comes, in a row of its own if need be.
SELECT configuration.version, known.*
FROM configuration
LEFT JOIN (
    SELECT asked.place - 1 AS place,
           alert.id, alert.severity::text, alert.status::text, alert.triggered_at,
           alert.last_signal_at, alert.last_received_at, alert.occurrence_count,
           alert.acknowledged_at, alert.resolved_at,
           resolution.occurred_at, resolution.alert_id, resolution.alert_resolved_at
    FROM unnest(%(integration_ids)s, %(external_ids)s)
        WITH ORDINALITY AS asked (integration_id, external_id, place)
    LEFT JOIN alerts alert
        ON alert.integration_id = asked.integration_id
        AND alert.external_id = asked.external_id
        AND alert.status IN ('OPEN', 'ACKNOWLEDGED')
    LEFT JOIN resolutions resolution
        ON resolution.integration_id = asked.integration_id
        AND resolution.external_id = asked.external_id
        AND resolution.expires_at > %(now)s
    WHERE alert.id IS NOT NULL OR resolution.integration_id IS NOT NULL
) known ON true
