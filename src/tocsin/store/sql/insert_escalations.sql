-- Escalations that begin. One policy runs once at a time for an alert: a unique index sees to it.
INSERT INTO escalations (
    id, workspace_id, alert_id, escalation_policy_id, policy_version, alert_rule_id, round, state,
    reason, loop, step, step_due_at, next_at, held_since, paged, started_at, updated_at)
SELECT id, workspace_id, alert_id, escalation_policy_id, policy_version, alert_rule_id, round,
       state::escalation_state, reason, loop, step, step_due_at, next_at, held_since, paged::jsonb,
       %(now)s, %(now)s
FROM unnest(
    %(id)s, %(workspace_id)s, %(alert_id)s, %(escalation_policy_id)s, %(policy_version)s,
    %(alert_rule_id)s, %(round)s, %(state)s, %(reason)s, %(loop)s, %(step)s, %(step_due_at)s,
    %(next_at)s, %(held_since)s, %(paged)s
) AS given (
    id, workspace_id, alert_id, escalation_policy_id, policy_version, alert_rule_id, round, state,
    reason, loop, step, step_due_at, next_at, held_since, paged)
WHERE :PART(unless_void)
