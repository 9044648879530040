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
    SELECT * FROM unnest(
        %(id)s, %(severity)s, %(status)s, %(acknowledged_at)s, %(resolved_at)s, %(closed_at)s,
        %(occurrence_count)s, %(last_received_at)s, %(last_signal_at)s, %(snoozed_until)s,
        %(snoozed_by)s, %(flaps)s, %(updated_at)s
    ) LIMIT cardinality(%(id)s)
) AS given (
    id, severity, status, acknowledged_at, resolved_at, closed_at, occurrence_count,
    last_received_at, last_signal_at, snoozed_until, snoozed_by, flaps, updated_at)
WHERE alerts.id = given.id
