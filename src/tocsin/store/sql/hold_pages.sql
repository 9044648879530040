-- The pages of escalations that are held wait without a time; what was left of it is kept, in seconds from
-- when the hold began.
UPDATE alert_deliveries AS page
SET send_after = NULL, updated_at = %(now)s,
    detail = page.detail || jsonb_build_object(
        'left_seconds', greatest(extract(epoch FROM page.send_after - held.since)::float8, 0),
        'held_by', held.reason)
FROM unnest(%(alert_ids)s, %(escalation_ids)s, %(since)s, %(reasons)s)
     AS held (alert_id, escalation_id, since, reason)
WHERE page.alert_id = held.alert_id AND page.escalation_id = held.escalation_id
  AND page.reason = 'escalation' AND page.status::text = 'deferred' AND page.send_after IS NOT NULL
