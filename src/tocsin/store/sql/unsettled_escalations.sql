-- Alerts of these workspaces that are to be looked at since what holds escalations, or whom they reach, has
-- changed: with an escalation that is held, one whose step reached somebody who has left, or a page to come
-- for who has left. `hasten_escalations.sql` looks closer, under their locks.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT escalation.alert_id
    FROM escalations AS escalation
    LEFT JOIN escalation_steps AS taken
      ON taken.escalation_id = escalation.id AND taken.loop = escalation.loop
     AND taken.step = escalation.step
    WHERE escalation.state IN ('running', 'held') AND escalation.workspace_id = ANY (%(workspace_ids)s)
      AND (escalation.state = 'held' OR EXISTS (
          SELECT FROM jsonb_array_elements(taken.detail -> 'reached') AS reached
          WHERE reached ->> 'user_id' IS NOT NULL AND NOT EXISTS (
              SELECT FROM memberships JOIN users ON users.id = memberships.user_id
              WHERE memberships.user_id = (reached ->> 'user_id')::uuid
                AND memberships.workspace_id = escalation.workspace_id
                AND users.is_active AND users.deleted_at IS NULL)))
    UNION
    SELECT page.alert_id FROM alert_deliveries AS page
    WHERE page.status = 'deferred' AND page.reason IN ('escalation', 'bundled')
      AND page.workspace_id = ANY (%(workspace_ids)s) AND page.user_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.user_id = page.user_id AND memberships.workspace_id = page.workspace_id
            AND users.is_active AND users.deleted_at IS NULL)
) AS unsettled
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = unsettled.alert_id OFFSET 0
) AS alert
