-- When each destination was last notified that an alert is open.
SELECT newest.*
FROM unnest(%(ids)s) AS asked (alert_id)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (alert_destination_id)
           alert_id, alert_destination_id, coalesce(sent_at, created_at) AS at
    FROM alert_deliveries
    WHERE alert_id = asked.alert_id AND event_type IN ('alerts.triggered', 'alerts.reminder', 'alerts.flapping', 'alerts.settled')
      AND status::text IN ('queued', 'sent', 'failed')
    ORDER BY alert_destination_id, sequence DESC
    OFFSET 0
) AS newest
