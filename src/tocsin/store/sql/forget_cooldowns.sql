-- A message that was withdrawn before it was sent told nobody, so it must not mute the next one.
DELETE FROM cooldowns
USING unnest(%(destination_ids)s, %(problems)s) AS given (alert_destination_id, problem)
WHERE cooldowns.alert_destination_id = given.alert_destination_id
    AND cooldowns.problem = given.problem
