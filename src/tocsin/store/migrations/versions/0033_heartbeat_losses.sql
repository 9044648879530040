-- Heartbeats that are lost together have one alert, until they are back or few of them are not.
CREATE TABLE heartbeat_losses (
    id UUID NOT NULL,
    integration_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lost INTEGER DEFAULT 0 NOT NULL,
    returned INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_heartbeat_losses PRIMARY KEY (id),
    CONSTRAINT fk_heartbeat_losses_integration_id
        FOREIGN KEY (integration_id) REFERENCES integrations (id) ON DELETE CASCADE,
    CONSTRAINT fk_heartbeat_losses_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_heartbeat_losses_integration_id_tenant_id
    ON heartbeat_losses (integration_id, tenant_id);
CREATE INDEX ix_heartbeat_losses_tenant_id ON heartbeat_losses (tenant_id);

-- No reference to a loss: the row is written at every ping.
ALTER TABLE heartbeat_statuses ADD COLUMN loss_id UUID;
CREATE INDEX ix_heartbeat_statuses_loss_id ON heartbeat_statuses (loss_id) WHERE loss_id IS NOT NULL;
