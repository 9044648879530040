-- The next alerts of the oldest bulk action of a workspace that is being done.
SELECT oldest.id AS bulk_action_id, oldest.kind, oldest.actor, oldest.wish, next.place, next.alert_id
FROM (
    SELECT id, kind, actor, wish FROM bulk_actions
    WHERE workspace_id = %(workspace_id)s AND state IN ('running', 'canceling') AND state = 'running'
    ORDER BY id LIMIT 1
) AS oldest
CROSS JOIN LATERAL (
    SELECT place, alert_id FROM bulk_action_alerts
    WHERE bulk_action_id = oldest.id AND outcome IS NULL
    ORDER BY place LIMIT %(most)s
) AS next
ORDER BY next.place
