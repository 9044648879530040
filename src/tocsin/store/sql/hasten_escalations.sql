-- What holds the escalations of these alerts, or whom they reach, has changed; the alerts are locked. Those
-- whose step reached nobody but people who have left have waited for it long enough.
--
-- Pages to who has left are canceled. A person who is no member any more is never paged.
WITH gone AS (
    UPDATE alert_deliveries AS page
    SET status = 'canceled', reason = 'user_removed', updated_at = %(now)s,
        detail = page.detail || '{"planned_reason": "escalation"}'::jsonb
    WHERE page.alert_id = ANY (%(ids)s)
      AND page.status::text = 'deferred' AND page.reason IN ('escalation', 'bundled')
      AND page.user_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.user_id = page.user_id AND memberships.workspace_id = page.workspace_id
            AND users.is_active AND users.deleted_at IS NULL)
)
UPDATE escalations AS escalation
SET next_at = %(now)s, step_due_at = %(now)s
FROM escalation_steps AS taken
WHERE escalation.alert_id = ANY (%(ids)s) AND escalation.state = 'running'
  AND taken.escalation_id = escalation.id AND taken.loop = escalation.loop
  AND taken.step = escalation.step
  AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(taken.detail -> 'reached') AS reached
      LEFT JOIN memberships
        ON memberships.user_id = (reached ->> 'user_id')::uuid
       AND memberships.workspace_id = escalation.workspace_id
      LEFT JOIN users
        ON users.id = memberships.user_id AND users.is_active AND users.deleted_at IS NULL
      WHERE reached ->> 'user_id' IS NULL OR users.id IS NOT NULL)
