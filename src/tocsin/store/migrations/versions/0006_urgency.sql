-- The place of a message in its destination's queue. What says no severity is urgent: in doubt, alert.
ALTER TABLE alert_deliveries ADD COLUMN urgency alert_severity DEFAULT 'CRITICAL' NOT NULL;
UPDATE alert_deliveries SET urgency = (payload #>> '{alert,severity}')::alert_severity
WHERE status IN ('queued', 'deferred')
  AND payload #>> '{alert,severity}' IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO');

-- Each pending row is in one of the two: what waits for a time, and what may go at once.
DROP INDEX ix_alert_deliveries_due;
CREATE INDEX ix_alert_deliveries_due
    ON alert_deliveries (alert_destination_id, urgency, send_after, sequence)
    WHERE status IN ('queued', 'deferred') AND send_after IS NOT NULL;
CREATE INDEX ix_alert_deliveries_fresh
    ON alert_deliveries (alert_destination_id, urgency, sequence)
    WHERE status IN ('queued', 'deferred') AND send_after IS NULL;

ALTER TABLE destination_states ADD COLUMN rate_used_until timestamptz;
