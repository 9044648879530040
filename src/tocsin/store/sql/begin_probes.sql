-- The hold of these destinations is over: who may send the one message that finds out?
--
-- Of all dispatchers that ask, one gets each destination back: it moves the end of the hold past the
-- time an attempt may take, and the others, who waited for its lock, then find the hold not over. If
-- the probe dies with its node, the next one begins when the moved hold ends. What the service asked
-- for is over, so from here on it counts as failing.
WITH over AS (
    SELECT alert_destination_id
    FROM destination_states
    WHERE alert_destination_id = ANY (%(destinations)s::uuid[])
      AND hold_until <= now()
    ORDER BY alert_destination_id
    FOR UPDATE SKIP LOCKED
)
UPDATE destination_states AS state
SET hold_until = now() + make_interval(secs => %(seconds)s), hold_reason = CASE hold_reason WHEN 'throttled' THEN 'failing' ELSE hold_reason END,
    updated_at = now()
FROM over
WHERE state.alert_destination_id = over.alert_destination_id
RETURNING state.alert_destination_id
