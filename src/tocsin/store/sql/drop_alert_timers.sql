-- What is not to be done any more. Looked up one by one: OFFSET 0 keeps it so.
DELETE FROM alert_timers AS timer
USING (
    SELECT * FROM unnest(%(alert_id)s, %(kind)s, %(alert_destination_id)s) LIMIT cardinality(%(alert_id)s)
) AS given (alert_id, kind, alert_destination_id)
WHERE timer.alert_id = given.alert_id AND timer.kind = given.kind
  AND timer.alert_destination_id = given.alert_destination_id
