-- Every step of these policies that asks one at a time has a row to be locked by.
INSERT INTO escalation_turns (escalation_policy_id, step)
SELECT * FROM unnest(%(policy_ids)s, %(steps)s)
ON CONFLICT DO NOTHING
