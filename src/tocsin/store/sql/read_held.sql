-- What is held of these alerts, each alert's in the order of its messages. OFFSET 0 keeps it a look-up per
-- alert, and the status is compared as text so that no index of all that is held is read instead.
SELECT held.*
FROM unnest(%(ids)s) AS asked (alert_id)
CROSS JOIN LATERAL (
    SELECT id, alert_id, alert_destination_id, alert_rule_id, event_type, reason, send_after, created_at,
           sequence, detail, group_id
    FROM alert_deliveries
    WHERE alert_id = asked.alert_id AND status::text = 'deferred' AND carried_by IS NULL
      AND reason NOT IN ('escalation', 'bundled')
    OFFSET 0
) AS held
ORDER BY held.alert_id, held.sequence
