-- The pages of escalations that go on after a hold, by what was left.
UPDATE alert_deliveries AS page
SET send_after = %(now)s + (page.detail ->> 'left_seconds')::float8 * interval '1 second',
    detail = page.detail - 'left_seconds' - 'held_by', updated_at = %(now)s
FROM unnest(%(alert_ids)s, %(escalation_ids)s) AS resumed (alert_id, escalation_id)
WHERE page.alert_id = resumed.alert_id AND page.escalation_id = resumed.escalation_id
  AND page.reason = 'escalation' AND page.status::text = 'deferred'
  AND page.detail ? 'left_seconds'
