-- When each rule last notified each destination of these alert keys.
SELECT alert_rule_id, alert_destination_id, problem, told_at
FROM cooldowns WHERE problem = ANY (%(alert_keys)s)
