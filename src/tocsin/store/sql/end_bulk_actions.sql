-- Those of a workspace that are to be canceled, and those with nothing left to do, are over.
UPDATE bulk_actions SET
    state = CASE state WHEN 'canceling' THEN 'canceled' ELSE 'done' END,
    finished_at = %(now)s
WHERE workspace_id = %(workspace_id)s AND state IN ('running', 'canceling')
  AND (state = 'canceling' OR NOT EXISTS (
      SELECT FROM bulk_action_alerts WHERE bulk_action_id = bulk_actions.id AND outcome IS NULL))
