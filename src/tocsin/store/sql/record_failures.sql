-- How destinations did that failed, one row each: what it changes for all dispatchers.
--
--   well ──failures in a row──► held, one probe at each end of the hold ──a success──► well
--
-- `throttled` says that the service refused for being asked too often (429): that holds at once, for
-- the `throttle` seconds it named, else for 15, 30, 60 seconds and so on up to an hour. Other
-- passing failures hold from the third in a row on, for as long as it has been failing so far, at least
-- 5 and at most 60 seconds: soon at first, then once a minute. `answered` says that it refused messages
-- for good but is there: that ends a hold (the queue would only wait), yet counts as failing, for the
-- sake of the fallback. Silence that a service asked for is never cut short by another failure.
WITH given AS (
    SELECT * FROM json_to_recordset(%(failures)s::json) AS f (
        destination uuid, failures int, throttled bool, throttle float8, answered bool)
), locked AS (
    SELECT state.alert_destination_id
    FROM destination_states AS state
    JOIN given ON given.destination = state.alert_destination_id
    ORDER BY state.alert_destination_id
    FOR UPDATE OF state
)
UPDATE destination_states AS state
SET failing_since = coalesce(state.failing_since, now()),
    failure_count = state.failure_count + given.failures,
    hold_until = CASE
        WHEN given.throttled
            THEN greatest(state.hold_until, now() + interval '1 second' * coalesce(
                given.throttle, least(15 * 2 ^ least(state.failure_count, 8), 3600)))
        WHEN given.answered THEN NULL
        WHEN state.hold_until IS NOT NULL OR state.failure_count + given.failures >= 3
            THEN greatest(
                CASE WHEN state.hold_reason = 'throttled' THEN state.hold_until END,
                now() + least(
                    greatest(now() - coalesce(state.failing_since, now()), interval '5 seconds'),
                    interval '1 minute'))
        END,
    hold_reason = CASE
        WHEN given.throttled THEN 'throttled'
        WHEN given.answered THEN NULL
        WHEN state.hold_until > now() AND state.hold_reason = 'throttled' THEN 'throttled'
        WHEN state.hold_until IS NOT NULL OR state.failure_count + given.failures >= 3 THEN 'failing'
        END,
    updated_at = now()
FROM given
WHERE state.alert_destination_id = given.destination
  AND given.destination IN (SELECT alert_destination_id FROM locked)
RETURNING state.alert_destination_id
