ALTER TABLE alert_rules
    ADD COLUMN IF NOT EXISTS group_by text[],
    ADD COLUMN IF NOT EXISTS group_wait_seconds integer DEFAULT 30 NOT NULL,
    ADD COLUMN IF NOT EXISTS group_interval_seconds integer DEFAULT 300 NOT NULL,
    ADD COLUMN IF NOT EXISTS group_linger_seconds integer DEFAULT 600 NOT NULL;

CREATE TABLE IF NOT EXISTS alert_groups (
    id uuid NOT NULL,
    kind text NOT NULL,
    thread_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    alert_rule_id uuid NOT NULL,
    alert_destination_id uuid NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    look_at timestamptz NOT NULL,
    next_at timestamptz,
    opened_at timestamptz NOT NULL,
    last_sent_at timestamptz,
    told alert_severity,
    over_at timestamptz,
    CONSTRAINT pk_alert_groups PRIMARY KEY (id),
    CONSTRAINT ck_alert_groups_known_kind CHECK (kind IN ('rule', 'storm')),
    CONSTRAINT fk_alert_groups_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_alert_groups_look_at ON alert_groups (look_at);

CREATE TABLE IF NOT EXISTS alert_group_members (
    group_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_alert_group_members PRIMARY KEY (group_id, alert_id),
    CONSTRAINT fk_alert_group_members_group_id
        FOREIGN KEY (group_id) REFERENCES alert_groups (id) ON DELETE CASCADE
);

-- What waits for the next message of its group.
CREATE INDEX IF NOT EXISTS ix_alert_deliveries_gathered ON alert_deliveries (group_id)
    WHERE group_id IS NOT NULL AND alert_id IS NOT NULL AND carried_by IS NULL;
