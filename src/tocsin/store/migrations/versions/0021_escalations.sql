CREATE TYPE escalation_state AS ENUM ('running', 'held', 'stopped', 'exhausted');

CREATE TABLE escalation_policies (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    steps JSONB NOT NULL,
    repeat SMALLINT DEFAULT 0 NOT NULL,
    on_exhausted_destination_id UUID,
    ack_timeout_minutes INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_escalation_policies PRIMARY KEY (id),
    CONSTRAINT ck_escalation_policies_repeat CHECK (repeat BETWEEN 0 AND 9),
    CONSTRAINT ck_escalation_policies_ack_timeout_minutes CHECK (ack_timeout_minutes >= 0),
    CONSTRAINT fk_escalation_policies_workspace_id FOREIGN KEY (workspace_id)
        REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_escalation_policies_workspace_id_name ON escalation_policies (workspace_id, name)
    WHERE deleted_at IS NULL;
CREATE TRIGGER escalation_policies_configuration AFTER INSERT OR UPDATE OR DELETE ON escalation_policies
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();

-- Every version that there was: an escalation ends by the one with which it began.
CREATE TABLE escalation_policy_versions (
    escalation_policy_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    steps JSONB NOT NULL,
    repeat SMALLINT NOT NULL,
    on_exhausted_destination_id UUID,
    ack_timeout_minutes INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_escalation_policy_versions PRIMARY KEY (escalation_policy_id, version),
    CONSTRAINT fk_escalation_policy_versions_escalation_policy_id FOREIGN KEY (escalation_policy_id)
        REFERENCES escalation_policies (id) ON DELETE CASCADE
);

-- Whose turn it is in a step that takes one person at a time.
CREATE TABLE escalation_turns (
    escalation_policy_id UUID NOT NULL,
    step SMALLINT NOT NULL,
    next SMALLINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_escalation_turns PRIMARY KEY (escalation_policy_id, step),
    CONSTRAINT fk_escalation_turns_escalation_policy_id FOREIGN KEY (escalation_policy_id)
        REFERENCES escalation_policies (id) ON DELETE CASCADE
);

ALTER TABLE alert_rules ADD COLUMN escalation_policy_id UUID;
ALTER TABLE alert_rules ADD CONSTRAINT fk_alert_rules_escalation_policy_id
    FOREIGN KEY (escalation_policy_id) REFERENCES escalation_policies (id);

CREATE TABLE escalations (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    alert_id UUID NOT NULL,
    escalation_policy_id UUID NOT NULL,
    policy_version INTEGER NOT NULL,
    alert_rule_id UUID NOT NULL,
    round INTEGER DEFAULT 1 NOT NULL,
    state escalation_state DEFAULT 'running' NOT NULL,
    reason TEXT,
    loop SMALLINT DEFAULT 0 NOT NULL,
    step SMALLINT DEFAULT 0 NOT NULL,
    step_due_at TIMESTAMP WITH TIME ZONE,
    next_at TIMESTAMP WITH TIME ZONE,
    held_since TIMESTAMP WITH TIME ZONE,
    paged JSONB DEFAULT '[]'::jsonb NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_escalations PRIMARY KEY (id),
    CONSTRAINT uq_escalations_alert_id_escalation_policy_id_round UNIQUE (alert_id, escalation_policy_id, round),
    CONSTRAINT fk_escalations_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE CASCADE,
    CONSTRAINT fk_escalations_escalation_policy_id FOREIGN KEY (escalation_policy_id, policy_version)
        REFERENCES escalation_policy_versions (escalation_policy_id, version),
    CONSTRAINT fk_escalations_alert_rule_id FOREIGN KEY (alert_rule_id) REFERENCES alert_rules (id)
);
CREATE UNIQUE INDEX uq_escalations_alert_id_escalation_policy_id_live
    ON escalations (alert_id, escalation_policy_id) WHERE state IN ('running', 'held');
CREATE INDEX ix_escalations_next_at ON escalations (next_at) WHERE state IN ('running', 'held');

-- Each step that was taken, or passed. The key is what keeps one from being taken twice.
CREATE TABLE escalation_steps (
    escalation_id UUID NOT NULL,
    loop SMALLINT NOT NULL,
    step SMALLINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_escalation_steps PRIMARY KEY (escalation_id, loop, step),
    CONSTRAINT fk_escalation_steps_escalation_id FOREIGN KEY (escalation_id)
        REFERENCES escalations (id) ON DELETE CASCADE
);

ALTER TABLE alerts
    ADD COLUMN assigned_to UUID,
    ADD COLUMN acknowledged_by UUID,
    ADD COLUMN acknowledged_until TIMESTAMP WITH TIME ZONE;
ALTER TABLE alert_deliveries
    ADD COLUMN escalation_id UUID,
    ADD COLUMN user_id UUID;

CREATE TABLE alert_responders (
    alert_id UUID NOT NULL,
    user_id UUID NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    added_by JSONB NOT NULL,
    CONSTRAINT pk_alert_responders PRIMARY KEY (alert_id, user_id),
    CONSTRAINT fk_alert_responders_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE CASCADE,
    CONSTRAINT fk_alert_responders_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
