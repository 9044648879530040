CREATE TABLE heartbeats (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    integration_id UUID NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    kind TEXT NOT NULL,
    period_seconds INTEGER,
    expressions TEXT[] DEFAULT '{}'::text[] NOT NULL,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    grace_seconds INTEGER NOT NULL,
    max_run_seconds INTEGER,
    severity alert_severity DEFAULT 'HIGH'::alert_severity NOT NULL,
    labels JSONB DEFAULT '{}'::jsonb NOT NULL,
    methods TEXT DEFAULT 'any' NOT NULL,
    manual_resume BOOLEAN DEFAULT false NOT NULL,
    recovery_pings INTEGER DEFAULT 1 NOT NULL,
    token_digest UUID,
    bound_integration_id UUID,
    bound_matchers JSONB,
    bound_labels TEXT[] DEFAULT '{}'::text[] NOT NULL,
    parent_id UUID,
    bound_values TEXT[],
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_heartbeats PRIMARY KEY (id),
    CONSTRAINT ck_heartbeats_kind CHECK (kind IN ('interval', 'cron', 'calendar')),
    CONSTRAINT ck_heartbeats_period CHECK ((kind = 'interval') = (period_seconds IS NOT NULL)),
    CONSTRAINT ck_heartbeats_methods CHECK (methods IN ('any', 'post')),
    CONSTRAINT ck_heartbeats_recovery_pings CHECK (recovery_pings >= 1),
    CONSTRAINT ck_heartbeats_inert_once_deleted CHECK (deleted_at IS NULL OR token_digest IS NULL),
    CONSTRAINT fk_heartbeats_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_heartbeats_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_heartbeats_integration_id FOREIGN KEY(integration_id) REFERENCES integrations (id),
    CONSTRAINT fk_heartbeats_bound_integration_id FOREIGN KEY(bound_integration_id) REFERENCES integrations (id)
);
CREATE INDEX ix_heartbeats_integration_id ON heartbeats (integration_id);
CREATE UNIQUE INDEX uq_heartbeats_parent_id_bound_values ON heartbeats (parent_id, bound_values) WHERE deleted_at IS NULL AND parent_id IS NOT NULL;
CREATE UNIQUE INDEX uq_heartbeats_token_digest ON heartbeats (token_digest);
CREATE UNIQUE INDEX uq_heartbeats_workspace_id_name ON heartbeats (workspace_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_heartbeats_workspace_id_slug ON heartbeats (workspace_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE heartbeat_statuses (
    heartbeat_id UUID NOT NULL,
    state TEXT DEFAULT 'new' NOT NULL,
    last_ping_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    run_id UUID,
    due_at TIMESTAMP WITH TIME ZONE,
    due_reason TEXT,
    look_at TIMESTAMP WITH TIME ZONE,
    paused_until TIMESTAMP WITH TIME ZONE,
    down_since TIMESTAMP WITH TIME ZONE,
    successes INTEGER DEFAULT 0 NOT NULL,
    ended_run_id UUID,
    ended_with TEXT,
    ping_count BIGINT DEFAULT 0 NOT NULL,
    last_duration_ms BIGINT,
    CONSTRAINT pk_heartbeat_statuses PRIMARY KEY (heartbeat_id),
    CONSTRAINT ck_heartbeat_statuses_state CHECK (state IN ('new', 'up', 'down', 'paused')),
    CONSTRAINT fk_heartbeat_statuses_heartbeat_id FOREIGN KEY(heartbeat_id) REFERENCES heartbeats (id) ON DELETE CASCADE
) WITH (fillfactor = 60);
CREATE INDEX ix_heartbeat_statuses_look_at ON heartbeat_statuses (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE heartbeat_pings (
    heartbeat_id UUID NOT NULL,
    place INTEGER NOT NULL,
    number BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    exit_code INTEGER,
    run_id UUID,
    duration_ms BIGINT,
    method TEXT NOT NULL,
    body TEXT,
    CONSTRAINT pk_heartbeat_pings PRIMARY KEY (heartbeat_id, place),
    CONSTRAINT fk_heartbeat_pings_heartbeat_id FOREIGN KEY(heartbeat_id) REFERENCES heartbeats (id) ON DELETE CASCADE
) WITH (fillfactor = 80);

CREATE TABLE heartbeat_changes (
    id UUID NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    heartbeat_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    exit_code INTEGER,
    body TEXT,
    processed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_heartbeat_changes PRIMARY KEY (id),
    CONSTRAINT fk_heartbeat_changes_heartbeat_id FOREIGN KEY(heartbeat_id) REFERENCES heartbeats (id)
);
CREATE INDEX ix_heartbeat_changes_heartbeat_id_id ON heartbeat_changes (heartbeat_id, id);
CREATE INDEX ix_heartbeat_changes_waiting ON heartbeat_changes (sequence) WHERE processed_at IS NULL;

CREATE TABLE heartbeat_watch (
    id BOOLEAN DEFAULT true NOT NULL,
    watched_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_heartbeat_watch PRIMARY KEY (id),
    CONSTRAINT ck_heartbeat_watch_one_row CHECK (id)
);

-- Only those that are bound decide about what comes in.
CREATE TRIGGER heartbeats_configuration AFTER INSERT OR UPDATE ON heartbeats
    FOR EACH ROW WHEN (NEW.bound_integration_id IS NOT NULL)
    EXECUTE FUNCTION configuration_changed();
