-- What flaps by other numbers now, or by none, is looked at at once. All timers are read: it is seldom.
UPDATE alert_timers AS timer SET due_at = %(now)s
FROM alerts AS alert
WHERE timer.kind = 'flapping' AND alert.id = timer.alert_id
  AND alert.integration_id = ANY (%(integration_ids)s)
