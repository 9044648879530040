-- Every escalation that these alerts have had, the newest of each policy last; their alerts are locked.
SELECT escalation.*
FROM unnest(%(ids)s) AS asked (alert_id)
CROSS JOIN LATERAL (
    SELECT id, alert_id, escalation_policy_id, policy_version, alert_rule_id, round, state::text, reason,
           loop, step, step_due_at, next_at, held_since, paged, updated_at
    FROM escalations WHERE alert_id = asked.alert_id OFFSET 0
) AS escalation
ORDER BY escalation.alert_id, escalation.escalation_policy_id, escalation.round
