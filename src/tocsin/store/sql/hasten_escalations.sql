-- What holds escalations, or whom they reach, has changed: those that are held are looked at now, and those
-- whose step reached nobody but people who have left go on to the next.
--
-- Pages to who has left are canceled. A person who is no member any more is never paged.
WITH gone AS (
    UPDATE alert_deliveries AS page
    SET status = 'canceled', reason = 'user_removed', updated_at = %(now)s,
        detail = page.detail || '{"planned_reason": "escalation"}'::jsonb
    WHERE page.status = 'deferred' AND page.reason IN ('escalation', 'bundled')
      AND page.workspace_id = ANY (%(workspace_ids)s) AND page.user_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.user_id = page.user_id AND memberships.workspace_id = page.workspace_id
            AND users.is_active AND users.deleted_at IS NULL)
), left_alone AS (
    SELECT escalation.id
    FROM escalations AS escalation
    JOIN escalation_steps AS taken
      ON taken.escalation_id = escalation.id AND taken.loop = escalation.loop
     AND taken.step = escalation.step
    WHERE escalation.state = 'running' AND escalation.workspace_id = ANY (%(workspace_ids)s)
      AND NOT EXISTS (
          SELECT FROM jsonb_array_elements(taken.detail -> 'reached') AS reached
          LEFT JOIN memberships
            ON memberships.user_id = (reached ->> 'user_id')::uuid
           AND memberships.workspace_id = escalation.workspace_id
          LEFT JOIN users
            ON users.id = memberships.user_id AND users.is_active AND users.deleted_at IS NULL
          WHERE reached ->> 'user_id' IS NULL OR users.id IS NOT NULL)
)
UPDATE escalations
SET next_at = %(now)s, step_due_at = CASE state WHEN 'running' THEN %(now)s ELSE step_due_at END
WHERE workspace_id = ANY (%(workspace_ids)s)
  AND (state = 'held' OR id IN (SELECT id FROM left_alone))
