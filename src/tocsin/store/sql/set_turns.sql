-- Whom they ask next.
UPDATE escalation_turns AS turn
SET next = given.next
FROM unnest(%(policy_ids)s, %(steps)s, %(next)s) AS given (escalation_policy_id, step, next)
WHERE turn.escalation_policy_id = given.escalation_policy_id AND turn.step = given.step
