-- How destinations did that failed, one row each: what it changes for all dispatchers.
--
--   well ──failures in a row──► held, one probe at each end of the hold ──a success──► well
--
-- `hold` is what the attempts themselves say. `throttled`: the service refused for being asked too often
-- (429), which holds for the `throttle` seconds it named, else for 15, 30, 60 seconds and so on up to an
-- hour. `failing` and `misconfigured`: nothing gets through to anybody, or not until a person repairs it.
-- Those hold at once, and other passing failures from the third in a row on, for as long as it has been
-- failing so far, at least 5 and at most 60 seconds: soon at first, then once a minute. `answered` says
-- that it refused messages but is there: that ends a hold (the queue would only wait), yet counts as
-- failing, for the sake of the fallback. Silence that a service asked for is never cut short by another
-- failure.
--
-- What comes back are destinations that are held now and were not, or for another reason.
WITH given AS (
    SELECT * FROM json_to_recordset(%(failures)s::json) AS f (
        destination uuid, failures int, hold text, throttle float8, answered bool)
), locked AS (
    SELECT state.alert_destination_id, state.hold_reason
    FROM destination_states AS state
    JOIN given ON given.destination = state.alert_destination_id
    ORDER BY state.alert_destination_id
    FOR UPDATE OF state
), failed AS (
    UPDATE destination_states AS state
    SET failing_since = coalesce(state.failing_since, now()),
        failure_count = state.failure_count + given.failures,
        hold_until = CASE
            WHEN given.hold = 'throttled'
                THEN greatest(state.hold_until, now() + interval '1 second' * coalesce(
                    given.throttle, least(15 * 2 ^ least(state.failure_count, 8), 3600)))
            WHEN given.answered THEN NULL
            WHEN given.hold IS NOT NULL OR state.hold_until IS NOT NULL
                 OR state.failure_count + given.failures >= 3
                THEN greatest(
                    CASE WHEN state.hold_reason = 'throttled' THEN state.hold_until END,
                    now() + least(
                        greatest(now() - coalesce(state.failing_since, now()), interval '5 seconds'),
                        interval '1 minute'))
            END,
        hold_reason = CASE
            WHEN given.hold = 'throttled' THEN 'throttled'
            WHEN given.answered THEN NULL
            WHEN state.hold_until > now() AND state.hold_reason = 'throttled' THEN 'throttled'
            WHEN given.hold IS NOT NULL THEN given.hold
            WHEN state.hold_until IS NOT NULL OR state.failure_count + given.failures >= 3 THEN 'failing'
            END,
        updated_at = now()
    FROM given
    JOIN locked ON locked.alert_destination_id = given.destination
    WHERE state.alert_destination_id = given.destination
    RETURNING state.alert_destination_id, state.hold_reason, locked.hold_reason AS hold_reason_before
)
SELECT failed.alert_destination_id AS id, destination.name, workspace.slug AS workspace,
       failed.hold_reason AS reason
FROM failed
JOIN alert_destinations AS destination ON destination.id = failed.alert_destination_id
JOIN workspaces AS workspace ON workspace.id = destination.workspace_id
WHERE failed.hold_reason IS DISTINCT FROM failed.hold_reason_before
  AND failed.hold_reason IS NOT NULL
