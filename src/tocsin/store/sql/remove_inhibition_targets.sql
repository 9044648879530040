-- Alerts that ended, or are no targets any more.
DELETE FROM inhibition_targets AS target
USING unnest(%(keys)s, %(alert_ids)s) AS given (key, alert_id)
WHERE target.key = given.key AND target.alert_id = given.alert_id
