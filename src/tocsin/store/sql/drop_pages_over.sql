-- Pages that wait to be said with others, and are over: they are said no more. Whoever ended them may have
-- met them while they were gathered, and passed over them (`cancel_pages.sql`).
UPDATE alert_deliveries AS page
SET status = 'canceled', updated_at = %(now)s, group_id = NULL,
    reason = CASE over.status WHEN 'ACKNOWLEDGED' THEN 'acknowledged_before_sent'
                              ELSE 'resolved_before_sent' END,
    detail = page.detail || '{"planned_reason": "escalation"}'::jsonb
FROM (
    SELECT waiting.id, alert.status
    FROM (SELECT id, alert_id FROM alert_deliveries
          WHERE group_id = %(id)s AND alert_id IS NOT NULL AND carried_by IS NULL
            AND status::text = 'deferred'
          FOR UPDATE SKIP LOCKED) AS waiting
    CROSS JOIN LATERAL (SELECT status FROM alerts WHERE id = waiting.alert_id OFFSET 0) AS alert
    WHERE alert.status <> 'OPEN'
) AS over
WHERE page.id = over.id
