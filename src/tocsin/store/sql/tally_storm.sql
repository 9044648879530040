-- Where what a storm's digest says for the first time came from, the most first.
SELECT alert.source, count(*)::int AS count
FROM alert_group_members AS member
CROSS JOIN LATERAL (SELECT source FROM alerts WHERE id = member.alert_id OFFSET 0) AS alert
WHERE member.group_id = %(id)s AND member.told_at = %(now)s
GROUP BY alert.source
ORDER BY count(*) DESC, alert.source
LIMIT 3
