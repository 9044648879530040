CREATE TABLE inhibition_rules (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    is_enabled BOOLEAN DEFAULT true NOT NULL,
    source_matchers JSONB NOT NULL,
    target_matchers JSONB NOT NULL,
    equal TEXT[] DEFAULT '{}' NOT NULL,
    delay_seconds INTEGER NOT NULL,
    grace_seconds INTEGER NOT NULL,
    defined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_inhibition_rules PRIMARY KEY (id),
    CONSTRAINT uq_inhibition_rules_workspace_id_name UNIQUE (workspace_id, name),
    CONSTRAINT fk_inhibition_rules_workspace_id FOREIGN KEY(workspace_id)
        REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE TRIGGER inhibition_rules_configuration AFTER INSERT OR UPDATE OR DELETE ON inhibition_rules
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();

-- Where live alerts stand by these rules. A key is what the sources and targets of one rule share.
CREATE TABLE inhibition_sources (
    key UUID NOT NULL,
    alert_id UUID NOT NULL,
    inhibition_rule_id UUID NOT NULL,
    targets UUID[] DEFAULT '{}' NOT NULL,
    title TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    look_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_inhibition_sources PRIMARY KEY (key, alert_id)
);
CREATE INDEX ix_inhibition_sources_alert_id ON inhibition_sources (alert_id);
CREATE INDEX ix_inhibition_sources_key_ended_at ON inhibition_sources (key, ended_at);
CREATE INDEX ix_inhibition_sources_look_at ON inhibition_sources (look_at) WHERE look_at IS NOT NULL;
CREATE TABLE inhibition_targets (
    key UUID NOT NULL,
    alert_id UUID NOT NULL,
    CONSTRAINT pk_inhibition_targets PRIMARY KEY (key, alert_id)
);
CREATE INDEX ix_inhibition_targets_alert_id ON inhibition_targets (alert_id);
