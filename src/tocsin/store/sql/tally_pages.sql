-- What a page about several alerts has to say that was just made: those of its alerts that are still open, and
-- which it lists, the most severe first. `open` are all that such pages have said and nobody has taken on.
WITH member AS MATERIALIZED (
    SELECT member.alert_id, member.told_at, alert.severity, alert.triggered_at
    FROM alert_group_members AS member
    CROSS JOIN LATERAL (
        SELECT severity, status, triggered_at FROM alerts WHERE id = member.alert_id OFFSET 0
    ) AS alert
    WHERE member.group_id = %(id)s AND member.told_at IS NOT NULL AND alert.status = 'OPEN'
)
SELECT (SELECT count(*) FROM member WHERE told_at = %(now)s)::int AS new,
       0 AS ended, 0 AS passed,
       (SELECT count(*) FROM member)::int AS open,
       (SELECT count(*) FROM member WHERE told_at = %(now)s AND severity = 'CRITICAL')::int
           AS new_critical,
       (SELECT min(severity)::text FROM member WHERE told_at = %(now)s) AS worst,
       ARRAY(SELECT alert_id FROM member WHERE told_at = %(now)s
             ORDER BY severity, triggered_at DESC LIMIT %(most)s) AS listed
