-- The newest trigger message of each alert to each destination: whoever was not told of the
-- beginning is not told of the end.
SELECT DISTINCT ON (alert_id, alert_destination_id)
       alert_id, alert_destination_id, status::text, reason, send_after, alert_rule_id, detail
FROM alert_deliveries
WHERE alert_id = ANY (%(ids)s) AND event_type = 'alerts.triggered'
ORDER BY alert_id, alert_destination_id, sequence DESC
