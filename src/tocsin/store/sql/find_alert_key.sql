-- By what to lock an alert of this workspace.
SELECT integration_id, external_id FROM alerts
WHERE id = %(id)s AND workspace_id = %(workspace_id)s
