-- How a group stands (`routing/group.py`), after it was locked. An alert that is gone is over.
WITH waiting AS MATERIALIZED (
    SELECT delivery.alert_id, delivery.event_type, delivery.updated_at, alert.severity,
           coalesce(alert.status::text IN ('OPEN', 'ACKNOWLEDGED'), false) AS is_live
    FROM alert_deliveries AS delivery
    LEFT JOIN LATERAL (
        SELECT severity, status FROM alerts WHERE id = delivery.alert_id OFFSET 0
    ) AS alert ON true
    WHERE delivery.group_id = %(id)s AND delivery.alert_id IS NOT NULL AND delivery.carried_by IS NULL
      AND delivery.status::text = 'deferred'
), member AS MATERIALIZED (
    SELECT member.alert_id, member.told_at,
           coalesce(alert.status::text IN ('OPEN', 'ACKNOWLEDGED'), false) AS is_live,
           greatest(alert.resolved_at, alert.closed_at) AS ended_at
    FROM alert_group_members AS member
    LEFT JOIN LATERAL (
        SELECT status, resolved_at, closed_at FROM alerts WHERE id = member.alert_id OFFSET 0
    ) AS alert ON true
    WHERE member.group_id = %(id)s
)
SELECT (SELECT count(*) FROM waiting)::int AS waiting,
       (SELECT min(updated_at) FROM waiting) AS since,
       (SELECT min(severity)::text FROM waiting WHERE event_type = 'alerts.triggered' AND is_live)
           AS worst,
       (SELECT count(*) FROM member WHERE is_live AND (
            told_at IS NOT NULL
            OR alert_id IN (SELECT alert_id FROM waiting WHERE event_type = 'alerts.triggered')))::int
           AS is_open,
       (SELECT count(*) FROM member WHERE is_live AND told_at IS NOT NULL)::int AS told_open,
       (SELECT max(ended_at) FROM member WHERE told_at IS NOT NULL) AS last_end
