-- An alert became worse: what is pending of it is as urgent now, or it would wait behind what is less so,
-- and with it whatever follows, for order within an alert is kept.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alert_deliveries waiting
SET urgency = given.urgency::alert_severity
FROM (
    SELECT * FROM unnest(%(alert_ids)s, %(urgencies)s::text[]) LIMIT cardinality(%(alert_ids)s)
) AS given (alert_id, urgency)
WHERE waiting.alert_id = given.alert_id
    AND waiting.status IN ('queued', 'deferred')
    AND waiting.urgency > given.urgency::alert_severity
