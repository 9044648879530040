-- A message that was withdrawn before it was sent notified nobody, so it must not mute the next one.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
DELETE FROM cooldowns
USING (
    SELECT * FROM unnest(%(destination_ids)s, %(alert_keys)s) LIMIT cardinality(%(alert_keys)s)
) AS given (alert_destination_id, problem)
WHERE cooldowns.alert_destination_id = given.alert_destination_id
    AND cooldowns.problem = given.problem
