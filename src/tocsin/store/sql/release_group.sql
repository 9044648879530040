-- What waits in a group is sent by itself after all. What another transaction is just changing is left for
-- the next look.
UPDATE alert_deliveries AS delivery
SET status = 'queued', reason = CASE reason WHEN 'bundled' THEN 'escalation' ELSE 'rule' END, send_after = now(), group_id = NULL, updated_at = %(now)s
FROM (
    SELECT id FROM alert_deliveries
    WHERE group_id = %(id)s AND alert_id IS NOT NULL AND carried_by IS NULL AND status::text = 'deferred'
    FOR UPDATE SKIP LOCKED
) AS waiting
WHERE delivery.id = waiting.id
