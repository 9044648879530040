-- A message for several alerts is a row without an alert; `carried_by` of the rows that it says names it.
-- Messages with one `group_id` keep their order, as those of one alert do.
ALTER TABLE alert_deliveries
    ADD COLUMN IF NOT EXISTS group_id uuid,
    ADD COLUMN IF NOT EXISTS carried_by uuid,
    DROP CONSTRAINT IF EXISTS ck_alert_deliveries_alert_unless_test,
    ADD CONSTRAINT ck_alert_deliveries_no_alert_for_tests
        CHECK (event_type <> 'alerts.test' OR alert_id IS NULL);

DROP INDEX IF EXISTS ix_alert_deliveries_lane;
CREATE INDEX ix_alert_deliveries_lane
    ON alert_deliveries (alert_destination_id, (coalesce(alert_id, group_id)), sequence)
    WHERE status IN ('queued', 'deferred');
CREATE INDEX IF NOT EXISTS ix_alert_deliveries_carried_by ON alert_deliveries (carried_by)
    WHERE carried_by IS NOT NULL;

CREATE TABLE IF NOT EXISTS alert_delivery_alerts (
    alert_delivery_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    place integer NOT NULL,
    CONSTRAINT pk_alert_delivery_alerts PRIMARY KEY (alert_delivery_id, alert_id),
    CONSTRAINT fk_alert_delivery_alerts_alert_delivery_id
        FOREIGN KEY (alert_delivery_id) REFERENCES alert_deliveries (id) ON DELETE CASCADE
);
