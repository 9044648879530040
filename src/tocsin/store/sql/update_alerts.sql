-- Alerts that the transaction found and changed. Their keys are locked, so these are last words.
-- Reopening runs into the unique index on live alerts where the key has a newer one.
--
-- The LIMIT cuts nothing off: it has the planner expect few rows, and so look each up. A plan made while
-- the table was nearly empty would read all of it instead, to join it with what is given, and that plan
-- stays until the next ANALYZE, however fast the table grows meanwhile.
UPDATE alerts SET
    severity = given.severity::alert_severity,
    status = given.status::alert_status,
    acknowledged_at = given.acknowledged_at,
    acknowledged_by = CASE given.status WHEN 'ACKNOWLEDGED' THEN alerts.acknowledged_by END,
    acknowledged_until = CASE given.status WHEN 'ACKNOWLEDGED' THEN alerts.acknowledged_until END,
    resolved_at = given.resolved_at,
    closed_at = given.closed_at,
    occurrence_count = given.occurrence_count,
    last_received_at = given.last_received_at,
    last_signal_at = given.last_signal_at,
    snoozed_until = given.snoozed_until,
    snoozed_by = given.snoozed_by,
    flaps = given.flaps::jsonb,
    updated_at = given.updated_at
FROM (
    SELECT unnest(%(id)s) AS id, unnest(%(severity)s) AS severity, unnest(%(status)s) AS status,
           unnest(%(acknowledged_at)s) AS acknowledged_at, unnest(%(resolved_at)s) AS resolved_at,
           unnest(%(closed_at)s) AS closed_at, unnest(%(occurrence_count)s) AS occurrence_count,
           unnest(%(last_received_at)s) AS last_received_at,
           unnest(%(last_signal_at)s) AS last_signal_at,
           unnest(%(snoozed_until)s) AS snoozed_until, unnest(%(snoozed_by)s) AS snoozed_by,
           unnest(%(flaps)s) AS flaps, unnest(%(updated_at)s) AS updated_at
    LIMIT cardinality(%(id)s)
) AS given
WHERE alerts.id = given.id
