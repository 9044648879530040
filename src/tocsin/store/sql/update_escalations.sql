-- Where escalations stand after this transaction; their alerts are locked. The LIMIT is there for the
-- reason that `update_alerts.sql` gives.
UPDATE escalations
SET state = given.state::escalation_state, reason = given.reason, loop = given.loop, step = given.step,
    step_due_at = given.step_due_at, next_at = given.next_at, held_since = given.held_since,
    paged = given.paged::jsonb, updated_at = %(now)s
FROM (
    SELECT * FROM unnest(
        %(id)s, %(state)s, %(reason)s, %(loop)s, %(step)s, %(step_due_at)s, %(next_at)s,
        %(held_since)s, %(paged)s
    ) LIMIT cardinality(%(id)s)
) AS given (id, state, reason, loop, step, step_due_at, next_at, held_since, paged)
WHERE escalations.id = given.id
