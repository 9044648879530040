ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS snoozed_until timestamptz,
    ADD COLUMN IF NOT EXISTS snoozed_by text;
ALTER TABLE silences ADD COLUMN IF NOT EXISTS breakthrough_severity alert_severity;
ALTER TABLE alert_rules ADD COLUMN IF NOT EXISTS cooldown_breakthrough_severity alert_severity;

-- What is held is no longer claimed when its time comes: it is looked at first.
DROP INDEX IF EXISTS ix_alert_deliveries_due, ix_alert_deliveries_fresh;
CREATE INDEX ix_alert_deliveries_due
    ON alert_deliveries (alert_destination_id, urgency, send_after, sequence)
    WHERE status = 'queued' AND send_after IS NOT NULL;
CREATE INDEX ix_alert_deliveries_fresh
    ON alert_deliveries (alert_destination_id, urgency, sequence)
    WHERE status = 'queued' AND send_after IS NULL;
CREATE INDEX IF NOT EXISTS ix_alert_deliveries_held_until ON alert_deliveries (send_after)
    WHERE status = 'deferred';
CREATE INDEX IF NOT EXISTS ix_alert_deliveries_held ON alert_deliveries (alert_id)
    WHERE status = 'deferred';
