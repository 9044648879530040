ALTER TABLE users ADD COLUMN shift_notices jsonb;

CREATE TABLE schedule_notices (
    schedule_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_schedule_notices PRIMARY KEY (schedule_id, kind, key),
    CONSTRAINT fk_schedule_notices_schedule_id
        FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE CASCADE
);
CREATE INDEX ix_schedule_notices_expires_at ON schedule_notices (expires_at);

-- Rows that are there hold to them; each is read once to see that.
ALTER TABLE alert_deliveries DROP CONSTRAINT ck_alert_deliveries_tenant_and_rule_unless_test;
ALTER TABLE alert_deliveries DROP CONSTRAINT ck_alert_deliveries_no_alert_for_tests;
ALTER TABLE alert_deliveries ADD CONSTRAINT ck_alert_deliveries_tenant_and_rule_of_alerts
    CHECK ((event_type = 'alerts.test' OR event_type LIKE 'schedules.%') = (tenant_id IS NULL)
       AND ((event_type <> 'alerts.test' AND event_type NOT LIKE 'schedules.%')
            OR alert_rule_id IS NULL)
       AND (alert_rule_id IS NOT NULL OR user_id IS NOT NULL OR reason IN ('fallback', 'notice')
            OR event_type IN ('alerts.test', 'alerts.pages')));
ALTER TABLE alert_deliveries ADD CONSTRAINT ck_alert_deliveries_alert_of_alerts
    CHECK ((event_type <> 'alerts.test' AND event_type NOT LIKE 'schedules.%') OR alert_id IS NULL);
