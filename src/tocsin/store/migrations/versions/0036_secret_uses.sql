-- When each of the two secrets of a rotation was last used. Apart from the integration, whose every change is a
-- change of the configuration.
CREATE TABLE integration_secret_uses (
    integration_id UUID NOT NULL,
    current_used_at TIMESTAMP WITH TIME ZONE,
    previous_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_integration_secret_uses PRIMARY KEY (integration_id),
    CONSTRAINT fk_integration_secret_uses_integration_id
        FOREIGN KEY (integration_id) REFERENCES integrations (id) ON DELETE CASCADE
);
