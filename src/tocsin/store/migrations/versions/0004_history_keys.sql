-- What a person deletes is marked, and the past keeps pointing at it. The keys hold for new rows from here
-- on; 0004 mends what the old schema allowed and has the stored rows checked, which takes longer and
-- locks nothing.

-- No commit of webhooks is under way, so none can hold one of these tables while it waits for another.
SELECT pg_advisory_xact_lock(7238539205);

-- Tenants first, as whoever loads the configuration reads them: none is then between two of the tables.
ALTER TABLE tenants ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE tenants DROP CONSTRAINT uq_tenants_workspace_id_slug;
CREATE UNIQUE INDEX uq_tenants_workspace_id_slug ON tenants (workspace_id, slug) WHERE deleted_at IS NULL;

ALTER TABLE alert_rules ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE alert_rules DROP CONSTRAINT uq_alert_rules_workspace_id_name;
CREATE UNIQUE INDEX uq_alert_rules_workspace_id_name ON alert_rules (workspace_id, name) WHERE deleted_at IS NULL;
ALTER TABLE alert_rules ADD CONSTRAINT ck_alert_rules_inert_once_deleted CHECK (deleted_at IS NULL OR NOT is_enabled);

ALTER TABLE alert_destinations ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE alert_destinations DROP CONSTRAINT uq_alert_destinations_workspace_id_name;
CREATE UNIQUE INDEX uq_alert_destinations_workspace_id_name ON alert_destinations (workspace_id, name) WHERE deleted_at IS NULL;
ALTER TABLE alert_destinations ADD CONSTRAINT ck_alert_destinations_inert_once_deleted CHECK (deleted_at IS NULL OR (NOT is_enabled AND config = '{}'::jsonb AND secret_config IS NULL));

ALTER TABLE integrations ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE integrations DROP CONSTRAINT uq_integrations_workspace_id_name;
CREATE UNIQUE INDEX uq_integrations_workspace_id_name ON integrations (workspace_id, name) WHERE deleted_at IS NULL;
ALTER TABLE integrations ADD CONSTRAINT ck_integrations_inert_once_deleted CHECK (deleted_at IS NULL OR (NOT is_active AND webhook_secret = '\x'::bytea AND previous_webhook_secret IS NULL));

ALTER TABLE webhook_deliveries
    ADD CONSTRAINT fk_webhook_deliveries_integration_id FOREIGN KEY (integration_id) REFERENCES integrations (id) NOT VALID,
    ADD CONSTRAINT fk_webhook_deliveries_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE alerts
    ADD CONSTRAINT fk_alerts_integration_id FOREIGN KEY (integration_id) REFERENCES integrations (id) NOT VALID,
    ADD CONSTRAINT fk_alerts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id) NOT VALID;
ALTER TABLE alert_deliveries
    ADD CONSTRAINT fk_alert_deliveries_alert_destination_id FOREIGN KEY (alert_destination_id) REFERENCES alert_destinations (id) NOT VALID,
    ADD CONSTRAINT fk_alert_deliveries_alert_rule_id FOREIGN KEY (alert_rule_id) REFERENCES alert_rules (id) NOT VALID,
    ADD CONSTRAINT fk_alert_deliveries_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id) NOT VALID,
    ADD CONSTRAINT fk_alert_deliveries_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (id) NOT VALID;
