-- All that is set for these alerts. `is_pending`: something is still on its way to that destination.
SELECT timer.*
FROM unnest(%(ids)s) AS asked (alert_id)
CROSS JOIN LATERAL (
    SELECT alert_id, kind, alert_destination_id, due_at,
           EXISTS (
               SELECT FROM alert_deliveries AS delivery
               WHERE delivery.alert_destination_id = alert_timers.alert_destination_id
                 AND coalesce(delivery.alert_id, delivery.group_id) = alert_timers.alert_id
                 AND delivery.status IN ('queued', 'deferred')
           ) AS is_pending
    FROM alert_timers WHERE alert_id = asked.alert_id OFFSET 0
) AS timer
