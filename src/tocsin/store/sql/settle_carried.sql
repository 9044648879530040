-- What became of messages about several alerts became of the rows that they carry. Where one is made again,
-- because some of its pages are over, the others are queued again.
UPDATE alert_deliveries AS carried
SET status = CASE WHEN carrier.goes_on THEN 'queued' ELSE carrier.status END,
    reason = CASE WHEN carrier.goes_on THEN 'escalation'
                  WHEN carrier.status = 'canceled' THEN carrier.reason ELSE carried.reason END,
    carried_by = CASE WHEN NOT carrier.goes_on THEN carrier.id END,
    group_id = CASE WHEN NOT carrier.goes_on THEN carried.group_id END,
    sent_at = carrier.sent_at,
    last_error_code = carrier.last_error_code,
    last_error_message = carrier.last_error_message,
    updated_at = now()
FROM unnest(%(ids)s::uuid[]) AS ended (id)
CROSS JOIN LATERAL (
    SELECT id, status, reason, sent_at, last_error_code, last_error_message,
           status = 'canceled' AND reason = 'superseded' AND event_type = 'alerts.pages' AS goes_on
    FROM alert_deliveries
    WHERE id = ended.id AND status::text IN ('sent', 'failed', 'canceled')
    OFFSET 0
) AS carrier
WHERE carried.carried_by = carrier.id AND carried.status::text IN ('deferred', 'failed')
