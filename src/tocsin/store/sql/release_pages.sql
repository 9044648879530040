-- Pages whose time has come. Their alerts are locked, open, and nothing holds them.
UPDATE alert_deliveries AS page
SET status = 'queued', send_after = %(now)s, updated_at = %(now)s
FROM unnest(%(alert_ids)s) AS released (alert_id)
WHERE page.alert_id = released.alert_id AND page.reason = 'escalation'
  AND page.status::text = 'deferred' AND page.send_after <= %(now)s
