-- When each rule last told each destination of these problems.
SELECT alert_rule_id, alert_destination_id, problem, told_at
FROM cooldowns WHERE problem = ANY (%(problems)s)
