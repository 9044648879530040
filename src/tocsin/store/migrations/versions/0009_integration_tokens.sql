CREATE TABLE integration_tokens (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    integration_id UUID NOT NULL,
    label TEXT NOT NULL,
    prefix TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_integration_tokens PRIMARY KEY (id),
    CONSTRAINT fk_integration_tokens_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_integration_tokens_integration_id
        FOREIGN KEY (integration_id) REFERENCES integrations (id) ON DELETE CASCADE,
    CONSTRAINT uq_integration_tokens_token_hash UNIQUE (token_hash)
);
CREATE INDEX ix_integration_tokens_integration_id ON integration_tokens (integration_id);

-- Not on update: that a token was used changes nothing of the configuration.
CREATE TRIGGER integration_tokens_configuration AFTER INSERT OR DELETE ON integration_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
