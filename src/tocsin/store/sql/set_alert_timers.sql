-- When something is to be done with alerts; what was set before for the same is moved.
INSERT INTO alert_timers (alert_id, kind, alert_destination_id, due_at, workspace_id)
SELECT given.*, (SELECT workspace_id FROM alerts WHERE id = given.alert_id)
FROM unnest(%(alert_id)s, %(kind)s, %(alert_destination_id)s, %(due_at)s)
     AS given (alert_id, kind, alert_destination_id, due_at)
WHERE :PART(unless_void)
ON CONFLICT (alert_id, kind, alert_destination_id) DO UPDATE SET due_at = excluded.due_at
