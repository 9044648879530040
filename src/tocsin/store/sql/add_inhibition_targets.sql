-- Live alerts that sources of these keys hold.
INSERT INTO inhibition_targets (key, alert_id)
SELECT key, alert_id FROM unnest(%(keys)s, %(alert_ids)s) AS given (key, alert_id)
ON CONFLICT DO NOTHING
