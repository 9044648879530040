-- A destination that is held, or that has used up its rate for the hour: what has waited for a day is
-- given up, as its own attempts would be, and a test after its minute. Where messages flow, the claim
-- comes across such rows itself.
--
-- Each level of urgency is looked at from the front (oldest first, in the order of the index), in
-- portions; the cost does not depend on the length of the queue.
WITH oldest AS (
    SELECT waiting.id
    FROM unnest(%(destinations)s::uuid[]) AS held (id)
    CROSS JOIN unnest(enum_range(NULL::alert_severity)) AS level (urgency)
    CROSS JOIN LATERAL (
        SELECT * FROM (
            (SELECT d.id, d.give_up_at, d.created_at, d.lease_expires_at
             FROM alert_deliveries AS d
             WHERE d.alert_destination_id = held.id AND d.urgency = level.urgency
               AND d.status = 'queued' AND d.send_after IS NULL
             ORDER BY d.sequence LIMIT 500)
            UNION ALL
            (SELECT d.id, d.give_up_at, d.created_at, d.lease_expires_at
             FROM alert_deliveries AS d
             WHERE d.alert_destination_id = held.id AND d.urgency = level.urgency
               AND d.event_type = 'alerts.test' AND d.status IN ('queued', 'deferred')
             ORDER BY d.sequence LIMIT 500)
            UNION ALL
            (SELECT d.id, d.give_up_at, greatest(d.created_at, d.send_after), d.lease_expires_at
             FROM alert_deliveries AS d
             WHERE d.alert_destination_id = held.id AND d.urgency = level.urgency
               AND d.status = 'queued' AND d.send_after IS NOT NULL
             ORDER BY d.send_after, d.sequence LIMIT 500)
        ) AS front
    ) AS waiting
    WHERE coalesce(waiting.give_up_at, waiting.created_at + interval '24 hours') <= now()
      AND (waiting.lease_expires_at IS NULL OR waiting.lease_expires_at <= now())
)
UPDATE alert_deliveries AS d
SET status = 'failed',
    last_error_code = coalesce(d.last_error_code, 'expired'),
    last_error_message = coalesce(d.last_error_message || '; ', '')
        || 'given up: it waited for too long behind a destination that did not answer',
    leased_by = NULL,
    lease_expires_at = NULL,
    updated_at = now()
FROM oldest
WHERE d.id = oldest.id
  AND d.status IN ('queued', 'deferred')
  AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
RETURNING d.id, d.alert_destination_id,
          (SELECT name FROM alert_destinations AS destination
           WHERE destination.id = d.alert_destination_id) AS name,
          (SELECT type FROM alert_destinations AS destination
           WHERE destination.id = d.alert_destination_id) AS channel
