-- Nobody is paged any more for these alerts: somebody has taken them on, or they are over. Called with the
-- alert locked. What a dispatcher has in hand at this very moment it looks at again before it sends
-- (`pages_over.sql`), and what comes back from a failed attempt is looked at when it is claimed again. So it
-- is with a page about several alerts that carries one of these, which then is not sent either.
--
-- The status is compared as text for the reason that `cancel_unsent.sql` gives.
WITH over AS (
    SELECT page.id, given.reason
    FROM unnest(%(alert_ids)s, %(reasons)s) AS given (alert_id, reason)
    CROSS JOIN LATERAL (
        SELECT id FROM alert_deliveries AS waiting
        WHERE alert_id = given.alert_id AND reason IN ('escalation', 'bundled')
          AND status::text IN ('queued', 'deferred')
          AND (leased_by IS NULL OR lease_expires_at <= now())
          AND NOT EXISTS (
              SELECT FROM (SELECT lease_expires_at FROM alert_deliveries
                           WHERE id = waiting.carried_by OFFSET 0) AS carrier
              WHERE carrier.lease_expires_at > now())
        FOR UPDATE SKIP LOCKED
    ) AS page
)
UPDATE alert_deliveries AS page
SET status = 'canceled', reason = over.reason, updated_at = %(now)s, leased_by = NULL,
    lease_expires_at = NULL,
    group_id = CASE WHEN page.carried_by IS NOT NULL THEN page.group_id END,
    detail = page.detail || '{"planned_reason": "escalation"}'::jsonb
FROM over
WHERE page.id = over.id
