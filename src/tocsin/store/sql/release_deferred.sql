-- The alert became bad enough to break through the quiet hours that its message waits for.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alert_deliveries waiting
SET status = 'queued', send_after = NULL, reason = 'rule', updated_at = %(now)s
FROM (
    SELECT * FROM unnest(%(alert_ids)s, %(destination_ids)s) LIMIT cardinality(%(alert_ids)s)
) AS given (alert_id, alert_destination_id)
WHERE waiting.alert_id = given.alert_id
    AND waiting.alert_destination_id = given.alert_destination_id
    AND waiting.event_type = 'alerts.triggered'
    AND waiting.status = 'deferred'
    AND waiting.reason = 'quiet_hours'
