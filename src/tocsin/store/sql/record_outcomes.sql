-- What became of a group of attempts, in one statement: the rows, the attempts, and the good news.
--
-- Like the group commit on the way in, outcomes gather while the statement before is in flight.
--
-- Only the node that holds the lease of this very attempt may write the row: one that slept through
-- its lease finds another's name or number there. Its attempt goes on record all the same, and takes
-- the place of the `unknown` that the next claim wrote for it.
--
-- `outcome` is null where nothing was attempted after all (expired while it waited; given back at
-- shutdown): then the count that the claim raised goes back, and no attempt is on record.
--
-- A success ends whatever held its destination (`reached`). `last_success_at` is written once a minute,
-- or a busy destination's row would be rewritten with every group.
--
-- Neither LIMIT cuts anything off: each has the planner expect a tenth of the rows, in the end one, and
-- so look it up. A plan made while the table was nearly empty would read all of it instead, and would
-- stay until the next ANALYZE, however fast the table grows meanwhile.
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(outcomes)s::json) AS o (
        id uuid, number int, status text, delay float8, outcome text,
        http_status smallint, code text, message text, age_ms float8, duration_ms int,
        progress jsonb, detail jsonb, reason text)
    LIMIT json_array_length(%(outcomes)s::json)
), attempt AS (
    INSERT INTO alert_delivery_attempts AS known (
        alert_delivery_id, number, started_at, duration_ms, outcome, http_status, error_code, message)
    SELECT id, number, now() - age_ms * interval '1 millisecond', duration_ms, outcome, http_status,
           code, message
    FROM given
    WHERE outcome IS NOT NULL
    ON CONFLICT (alert_delivery_id, number) DO UPDATE
    SET started_at = excluded.started_at, duration_ms = excluded.duration_ms,
        outcome = excluded.outcome, http_status = excluded.http_status,
        error_code = excluded.error_code, message = excluded.message
    WHERE known.outcome = 'unknown'
), success AS (
    UPDATE destination_states AS state
    SET hold_until = NULL, hold_reason = NULL, failing_since = NULL, failure_count = 0,
        fallback_told_at = NULL, last_success_at = now(), updated_at = now()
    WHERE state.alert_destination_id = ANY (%(reached)s::uuid[])
      AND (state.hold_until IS NOT NULL OR state.failing_since IS NOT NULL OR state.failure_count > 0
           OR state.last_success_at IS NULL OR state.last_success_at < now() - interval '1 minute')
)
UPDATE alert_deliveries AS d
SET status = given.status::alert_delivery_status,
    sent_at = CASE WHEN given.status = 'sent' THEN now() END,
    attempt_count = CASE WHEN given.outcome IS NULL THEN given.number - 1 ELSE given.number END,
    send_after = CASE WHEN given.delay IS NOT NULL
                      THEN now() + given.delay * interval '1 second' ELSE d.send_after END,
    last_error_code = CASE WHEN given.status = 'queued' AND given.outcome IS NULL
                           THEN d.last_error_code ELSE given.code END,
    last_error_message = CASE WHEN given.status = 'queued' AND given.outcome IS NULL
                              THEN d.last_error_message
                              WHEN given.code IS NOT NULL THEN given.message END,
    progress = coalesce(given.progress, d.progress),
    reason = coalesce(given.reason, d.reason),
    detail = CASE WHEN given.detail IS NULL THEN d.detail ELSE d.detail || given.detail END,
    leased_by = NULL,
    lease_expires_at = NULL,
    updated_at = now()
FROM (SELECT * FROM given LIMIT json_array_length(%(outcomes)s::json)) AS given
WHERE d.id = given.id AND d.leased_by = %(node)s AND d.attempt_count = given.number
RETURNING d.id
