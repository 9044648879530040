-- What waits for a destination that was disabled or deleted, or whose person was, is not sent: canceled, with the reason.
-- Test deliveries are never canceled: they fail. What is under way is left to its own end.
--
-- In portions, so that a long queue is never one long transaction.
WITH waiting AS (
    SELECT d.id
    FROM alert_deliveries AS d
    LEFT JOIN alert_destinations AS destination ON destination.id = d.alert_destination_id
    WHERE d.alert_destination_id = ANY (%(destinations)s::uuid[])
      AND d.status IN ('queued', 'deferred')
      AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
      AND (destination.is_enabled IS NOT TRUE OR destination.user_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM users WHERE users.id = destination.user_id AND users.is_active))
    LIMIT 1000
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE alert_deliveries AS d
SET status = CASE WHEN d.event_type = 'alerts.test' THEN 'failed' ELSE 'canceled' END
             ::alert_delivery_status,
    reason = CASE WHEN d.event_type = 'alerts.test' THEN d.reason ELSE 'destination_disabled' END,
    detail = CASE WHEN d.event_type = 'alerts.test' THEN d.detail
                  ELSE d.detail || jsonb_build_object('planned_reason', d.reason) END,
    last_error_code = 'destination-disabled',
    last_error_message = 'the destination was disabled or deleted before this was sent',
    leased_by = NULL,
    lease_expires_at = NULL,
    updated_at = now()
FROM waiting
WHERE d.id = waiting.id
RETURNING d.id
