CREATE TABLE maintenance_windows (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    comment TEXT NOT NULL,
    is_enabled BOOLEAN DEFAULT true NOT NULL,
    matchers JSONB DEFAULT '[]'::jsonb NOT NULL,
    tenant_ids UUID[],
    timezone TEXT NOT NULL,
    starts_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    duration_minutes INTEGER NOT NULL,
    rrule TEXT,
    exdates TIMESTAMP WITHOUT TIME ZONE[] DEFAULT '{}' NOT NULL,
    last_starts_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    breakthrough_severity alert_severity,
    on_end TEXT DEFAULT 'notify_open' NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_maintenance_windows PRIMARY KEY (id),
    CONSTRAINT ck_maintenance_windows_lasts CHECK (duration_minutes > 0),
    CONSTRAINT ck_maintenance_windows_on_end_known CHECK (on_end IN ('notify_open', 'nothing')),
    CONSTRAINT fk_maintenance_windows_workspace_id FOREIGN KEY(workspace_id)
        REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE INDEX ix_maintenance_windows_workspace_id_last_starts_at
    ON maintenance_windows (workspace_id, last_starts_at);
CREATE TRIGGER maintenance_windows_configuration AFTER INSERT OR UPDATE OR DELETE ON maintenance_windows
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
