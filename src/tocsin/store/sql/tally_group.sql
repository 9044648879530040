-- What the message that was just made of a group has to say, and which alerts it lists: those that are live
-- first, the most severe first.
WITH member AS MATERIALIZED (
    SELECT member.alert_id, member.told_at, alert.severity, alert.triggered_at,
           coalesce(alert.status::text IN ('OPEN', 'ACKNOWLEDGED'), false) AS is_live
    FROM alert_group_members AS member
    LEFT JOIN LATERAL (
        SELECT severity, status, triggered_at FROM alerts WHERE id = member.alert_id OFFSET 0
    ) AS alert ON true
    WHERE member.group_id = %(id)s
)
SELECT (SELECT count(*) FROM member WHERE is_live AND told_at = %(now)s)::int AS new,
       (SELECT count(*) FROM member WHERE NOT is_live AND told_at IS NOT NULL)::int AS ended,
       (SELECT count(*) FROM member WHERE NOT is_live AND told_at IS NULL)::int AS passed,
       (SELECT count(*) FROM member WHERE is_live AND told_at IS NOT NULL)::int AS open,
       (SELECT count(*) FROM member
        WHERE is_live AND told_at = %(now)s AND severity = 'CRITICAL')::int AS new_critical,
       (SELECT min(severity)::text FROM member WHERE is_live AND told_at IS NOT NULL) AS worst,
       ARRAY(SELECT alert_id FROM member WHERE told_at IS NOT NULL
             ORDER BY is_live DESC, severity, triggered_at DESC LIMIT %(most)s) AS listed
