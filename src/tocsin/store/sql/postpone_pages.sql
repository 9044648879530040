-- Pages that are due while their alert is held, and of which no escalation runs any more: they are looked
-- at again when the hold is over.
UPDATE alert_deliveries AS page
SET send_after = held.until, updated_at = %(now)s
FROM unnest(%(alert_ids)s, %(until)s) AS held (alert_id, until)
WHERE page.alert_id = held.alert_id AND page.reason = 'escalation'
  AND page.status::text = 'deferred' AND page.send_after <= %(now)s
