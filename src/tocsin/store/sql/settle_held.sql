-- What a look decided about held messages. Each waits behind all that is before it of its alert, so that the
-- order stays; one that is to go out is due at once. A person or a dispatcher may have canceled it meanwhile.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alert_deliveries waiting
SET status = given.status::alert_delivery_status,
    reason = given.reason,
    send_after = CASE given.status WHEN 'queued' THEN now() ELSE given.send_after END,
    detail = given.detail::jsonb,
    group_id = given.group_id,
    payload = waiting.payload || given.payload::jsonb,
    updated_at = %(now)s
FROM (
    SELECT * FROM unnest(
        %(ids)s, %(statuses)s, %(reasons)s, %(send_after)s, %(details)s, %(payloads)s,
        %(group_ids)s
    ) LIMIT cardinality(%(ids)s)
) AS given (id, status, reason, send_after, detail, payload, group_id)
WHERE waiting.id = given.id AND waiting.status::text = 'deferred' AND waiting.carried_by IS NULL
