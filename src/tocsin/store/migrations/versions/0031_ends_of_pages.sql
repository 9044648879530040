ALTER TABLE notification_rules ADD COLUMN says_end BOOLEAN;
ALTER TABLE alert_groups ALTER COLUMN alert_rule_id DROP NOT NULL;

ALTER TABLE alert_deliveries DROP CONSTRAINT ck_alert_deliveries_tenant_and_rule_unless_test;
ALTER TABLE alert_deliveries ADD CONSTRAINT ck_alert_deliveries_tenant_and_rule_unless_test CHECK (
    (event_type = 'alerts.test') = (tenant_id IS NULL)
    AND (event_type <> 'alerts.test' OR alert_rule_id IS NULL)
    AND (alert_rule_id IS NOT NULL OR user_id IS NOT NULL OR reason = 'fallback'
         OR event_type IN ('alerts.test', 'alerts.pages')));
