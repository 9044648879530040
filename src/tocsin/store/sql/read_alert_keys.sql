-- What is known of each alert key: the live alert, or one that flaps and is over just now, and the newest end. A statement of its own, because
-- its snapshot must be younger than the locks. Unknown keys give no row; the version of the
-- configuration always comes, in a row of its own if need be.
--
-- OFFSET 0 keeps it a look-up per key. Where the last ANALYZE saw nothing live (a quiet year of five
-- million resolved alerts), a plain join takes all live alerts for one row and reads them all for each
-- key: in the storm that follows, a hundred webhooks a second are left of five thousand.
SELECT configuration.version, known.*
FROM configuration
LEFT JOIN (
    SELECT asked.place - 1 AS place,
           alert.id, alert.severity::text, alert.status::text, alert.triggered_at,
           alert.last_signal_at, alert.last_received_at, alert.occurrence_count,
           alert.acknowledged_at, alert.resolved_at, alert.closed_at, alert.title,
           alert.words_digest, alert.snoozed_until, alert.snoozed_by, alert.created_at, alert.flaps,
           resolution.flaps AS ended_flaps,
           CASE WHEN coalesce(resolution.late_until, resolution.expires_at) > %(now)s
                THEN resolution.occurred_at END AS mark_occurred_at,
           resolution.alert_id AS mark_alert_id,
           resolution.alert_resolved_at AS mark_alert_resolved_at,
           resolution.arrived_at AS mark_arrived_at
    FROM unnest(%(integration_ids)s, %(external_ids)s)
        WITH ORDINALITY AS asked (integration_id, external_id, place)
    LEFT JOIN LATERAL (
        SELECT * FROM resolutions
        WHERE integration_id = asked.integration_id
          AND external_id = asked.external_id
          AND expires_at > %(now)s
        OFFSET 0
    ) AS resolution ON true
    LEFT JOIN LATERAL (
        (SELECT * FROM alerts
         WHERE integration_id = asked.integration_id
           AND external_id = asked.external_id
           AND status IN ('OPEN', 'ACKNOWLEDGED')
         OFFSET 0)
        UNION ALL
        (SELECT * FROM alerts
         WHERE id = CASE WHEN resolution.flaps ? 'since' THEN resolution.alert_id END
           AND status::text = 'RESOLVED'
         OFFSET 0)
        LIMIT 1
    ) AS alert ON true
    WHERE alert.id IS NOT NULL OR resolution.integration_id IS NOT NULL
) known ON true
