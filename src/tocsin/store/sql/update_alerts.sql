-- Alerts that the batch found live and changed. Their problems are locked, so these are last words.
--
-- The LIMIT cuts nothing off: it has the planner expect few rows, and so look each up. A plan made while
-- the table was nearly empty would read all of it instead, to join it with what is given, and that plan
-- stays until the next ANALYZE, however fast the table grows meanwhile.
UPDATE alerts SET
    severity = given.severity::alert_severity,
    status = given.status::alert_status,
    acknowledged_at = given.acknowledged_at,
    resolved_at = given.resolved_at,
    occurrence_count = given.occurrence_count,
    last_received_at = given.last_received_at,
    last_signal_at = given.last_signal_at,
    updated_at = given.updated_at
FROM (
    SELECT * FROM unnest(
        %(ids)s, %(severities)s, %(statuses)s, %(acknowledged)s, %(resolved)s, %(counts)s,
        %(received)s, %(signals)s, %(updated)s
    ) LIMIT cardinality(%(ids)s)
) AS given (
    id, severity, status, acknowledged_at, resolved_at, occurrence_count, last_received_at,
    last_signal_at, updated_at)
WHERE alerts.id = given.id
