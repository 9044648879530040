-- People who were asked to help with an alert; who was before is asked again.
INSERT INTO alert_responders (alert_id, user_id, added_at, added_by)
SELECT %(alert_id)s, user_id, %(now)s, %(by)s::jsonb FROM unnest(%(user_ids)s) AS asked (user_id)
ON CONFLICT (alert_id, user_id) DO UPDATE SET added_at = excluded.added_at, added_by = excluded.added_by
