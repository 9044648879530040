-- What became of messages about several alerts became of the rows that they carry.
UPDATE alert_deliveries AS carried
SET status = carrier.status,
    reason = CASE carrier.status WHEN 'canceled' THEN carrier.reason ELSE carried.reason END,
    sent_at = carrier.sent_at,
    last_error_code = carrier.last_error_code,
    last_error_message = carrier.last_error_message,
    updated_at = now()
FROM unnest(%(ids)s::uuid[]) AS ended (id)
CROSS JOIN LATERAL (
    SELECT id, status, reason, sent_at, last_error_code, last_error_message
    FROM alert_deliveries
    WHERE id = ended.id AND status::text IN ('sent', 'failed', 'canceled')
    OFFSET 0
) AS carrier
WHERE carried.carried_by = carrier.id AND carried.status::text IN ('deferred', 'failed')
