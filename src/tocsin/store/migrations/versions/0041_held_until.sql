-- What waits in a group or a storm waits for no time: it needs no entry here, of eight that it has.
DROP INDEX ix_alert_deliveries_held_until;
CREATE INDEX ix_alert_deliveries_held_until ON alert_deliveries (send_after)
    WHERE status = 'deferred' AND send_after IS NOT NULL;
