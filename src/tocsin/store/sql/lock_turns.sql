-- Whom steps that ask one at a time ask next, locked in one order so that each alert takes its own turn.
SELECT escalation_policy_id, step, next
FROM escalation_turns
WHERE escalation_policy_id = ANY (%(policy_ids)s)
ORDER BY escalation_policy_id, step
FOR UPDATE
