-- What is live of each tenant, worst first and then newest. The second condition is always true, and keeps the index
-- out of questions that name no tenant.
CREATE INDEX ix_alerts_live_of_tenant ON alerts (tenant_id, severity, id DESC)
    WHERE status IN ('OPEN', 'ACKNOWLEDGED') AND tenant_id IS NOT NULL;

-- Messages that were given up. A message that is sent never enters it.
CREATE INDEX ix_alert_deliveries_failed ON alert_deliveries (workspace_id, id) WHERE status = 'failed';

-- A ping of a heartbeat that is up leaves this alone.
CREATE INDEX ix_heartbeat_statuses_down ON heartbeat_statuses (heartbeat_id) WHERE state = 'down';
