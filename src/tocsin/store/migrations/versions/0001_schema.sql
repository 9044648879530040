-- The whole schema: tenancy, ingest, alerts, routing, delivery, access, audit.
-- The reasons of each table and column stand in store/tables.py, the schema of record.

CREATE TYPE alert_severity AS ENUM ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO');

CREATE TYPE alert_status AS ENUM ('OPEN', 'ACKNOWLEDGED', 'RESOLVED', 'CLOSED');

CREATE TYPE alert_delivery_status AS ENUM ('queued', 'deferred', 'sent', 'failed', 'suppressed', 'canceled');

CREATE TABLE workspaces (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    fallback_destination_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_workspaces PRIMARY KEY (id),
    CONSTRAINT uq_workspaces_slug UNIQUE (slug)
);

CREATE TABLE alerts (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    integration_id UUID NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    severity alert_severity NOT NULL,
    status alert_status DEFAULT 'OPEN'::alert_status NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT,
    triggered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    resolved_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    labels JSONB DEFAULT '{}'::jsonb NOT NULL,
    occurrence_count INTEGER DEFAULT 1 NOT NULL,
    last_received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_signal_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_alerts PRIMARY KEY (id)
);
CREATE INDEX ix_alerts_external_id ON alerts (external_id);
CREATE INDEX ix_alerts_integration_id_triggered_at ON alerts (integration_id, triggered_at);
CREATE INDEX ix_alerts_severity_triggered_at ON alerts (severity, triggered_at);
CREATE INDEX ix_alerts_status_triggered_at ON alerts (status, triggered_at);
CREATE UNIQUE INDEX uq_alerts_integration_id_external_id_live ON alerts (integration_id, external_id) WHERE status IN ('OPEN', 'ACKNOWLEDGED');
CREATE INDEX ix_alerts_workspace_id_id ON alerts (workspace_id, id);

CREATE TABLE webhook_deliveries (
    id UUID NOT NULL,
    integration_id UUID NOT NULL,
    idempotency_key TEXT,
    content_fingerprint TEXT NOT NULL,
    raw_payload JSON NOT NULL,
    headers JSONB DEFAULT '{}'::jsonb NOT NULL,
    status_code INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error_message TEXT,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    processed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    alert_id UUID,
    duplicate_of_id UUID,
    replay_of_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT ck_webhook_deliveries_outcome CHECK (outcome IN ('created', 'updated', 'acknowledged', 'resolved', 'duplicate', 'ignored', 'invalid', 'rejected', 'failed'))
);
CREATE INDEX ix_webhook_deliveries_rejected ON webhook_deliveries (integration_id, id) WHERE outcome = 'rejected';
CREATE INDEX ix_webhook_deliveries_integration_id_created_at ON webhook_deliveries (integration_id, created_at);
CREATE INDEX ix_webhook_deliveries_integration_id_fingerprint_created_at ON webhook_deliveries (integration_id, content_fingerprint, created_at);
CREATE INDEX ix_webhook_deliveries_alert_id ON webhook_deliveries (alert_id);
CREATE INDEX ix_webhook_deliveries_integration_id_idempotency_key ON webhook_deliveries (integration_id, idempotency_key);

CREATE TABLE webhook_claims (
    integration_id UUID NOT NULL,
    digest UUID NOT NULL,
    webhook_delivery_id UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_webhook_claims PRIMARY KEY (integration_id, digest)
);
CREATE INDEX ix_webhook_claims_expires_at ON webhook_claims (expires_at);

CREATE TABLE resolutions (
    integration_id UUID NOT NULL,
    external_id TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    alert_id UUID,
    alert_resolved_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_resolutions PRIMARY KEY (integration_id, external_id)
);
CREATE INDEX ix_resolutions_expires_at ON resolutions (expires_at);

CREATE TABLE alert_events (
    id UUID NOT NULL,
    alert_id UUID NOT NULL,
    kind TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor JSONB NOT NULL,
    webhook_delivery_id UUID,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_alert_events PRIMARY KEY (id)
);
CREATE INDEX ix_alert_events_webhook_delivery_id ON alert_events (webhook_delivery_id) WHERE webhook_delivery_id IS NOT NULL;
CREATE INDEX ix_alert_events_alert_id_id ON alert_events (alert_id, id);

CREATE TABLE cooldowns (
    problem UUID NOT NULL,
    alert_rule_id UUID NOT NULL,
    alert_destination_id UUID NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cooldowns PRIMARY KEY (problem, alert_rule_id, alert_destination_id)
);
CREATE INDEX ix_cooldowns_expires_at ON cooldowns (expires_at);

CREATE TABLE alert_deliveries (
    id UUID NOT NULL,
    sequence BIGINT GENERATED BY DEFAULT AS IDENTITY,
    workspace_id UUID NOT NULL,
    tenant_id UUID,
    alert_rule_id UUID,
    alert_destination_id UUID NOT NULL,
    alert_id UUID,
    event_type TEXT NOT NULL,
    status alert_delivery_status NOT NULL,
    send_after TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    attempt_count INTEGER DEFAULT 0 NOT NULL,
    last_error_code TEXT,
    last_error_message TEXT,
    payload JSONB DEFAULT '{}'::jsonb NOT NULL,
    reason TEXT NOT NULL,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    give_up_at TIMESTAMP WITH TIME ZONE,
    progress JSONB,
    leased_by TEXT,
    lease_expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_alert_deliveries PRIMARY KEY (id),
    CONSTRAINT ck_alert_deliveries_tenant_and_rule_unless_test CHECK ((event_type = 'alerts.test') = (tenant_id IS NULL) AND (event_type = 'alerts.test') = (alert_rule_id IS NULL)),
    CONSTRAINT ck_alert_deliveries_alert_unless_test CHECK ((event_type = 'alerts.test') = (alert_id IS NULL)),
    CONSTRAINT ck_alert_deliveries_tests_are_never_withheld CHECK (event_type <> 'alerts.test' OR status NOT IN ('suppressed', 'canceled'))
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 50000);
CREATE INDEX ix_alert_deliveries_last_test ON alert_deliveries (workspace_id, alert_destination_id, event_type, created_at);
CREATE INDEX ix_alert_deliveries_due ON alert_deliveries (alert_destination_id, send_after NULLS FIRST, sequence) WHERE status IN ('queued', 'deferred');
CREATE INDEX ix_alert_deliveries_tests ON alert_deliveries (alert_destination_id, sequence) WHERE event_type = 'alerts.test' AND status IN ('queued', 'deferred');
CREATE UNIQUE INDEX uq_alert_deliveries_fallback ON alert_deliveries (alert_id, alert_destination_id, event_type, (payload ->> 'created_at'), (payload #>> '{alert,severity}')) WHERE reason = 'fallback';
CREATE INDEX ix_alert_deliveries_lane ON alert_deliveries (alert_destination_id, alert_id, sequence) WHERE status IN ('queued', 'deferred');
CREATE INDEX ix_alert_deliveries_alert_id ON alert_deliveries (alert_id);
CREATE INDEX ix_alert_deliveries_workspace_id_id ON alert_deliveries (workspace_id, id);

CREATE TABLE alert_delivery_attempts (
    alert_delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    http_status SMALLINT,
    error_code TEXT,
    message TEXT,
    CONSTRAINT pk_alert_delivery_attempts PRIMARY KEY (alert_delivery_id, number)
);

CREATE TABLE rate_buckets (
    key UUID NOT NULL,
    tokens DOUBLE PRECISION NOT NULL,
    refilled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    spent_at TIMESTAMP WITH TIME ZONE[] DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_rate_buckets PRIMARY KEY (key)
);

CREATE TABLE link_codes (
    token_digest UUID NOT NULL,
    wrong_count INTEGER DEFAULT 0 NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_link_codes PRIMARY KEY (token_digest)
);
CREATE INDEX ix_link_codes_expires_at ON link_codes (expires_at);

CREATE TABLE users (
    id UUID NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_email UNIQUE (email)
);

CREATE TABLE audit_events (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    actor JSONB NOT NULL,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id UUID,
    before JSONB,
    after JSONB,
    CONSTRAINT pk_audit_events PRIMARY KEY (id)
);
CREATE INDEX ix_audit_events_workspace_id_id ON audit_events (workspace_id, id);

CREATE TABLE configuration (
    id BOOLEAN DEFAULT true NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    CONSTRAINT pk_configuration PRIMARY KEY (id),
    CONSTRAINT ck_configuration_one_row CHECK (id)
);

CREATE TABLE tenants (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT uq_tenants_workspace_id_slug UNIQUE (workspace_id, slug),
    CONSTRAINT fk_tenants_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE TABLE alert_destinations (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    config JSONB DEFAULT '{}'::jsonb NOT NULL,
    secret_config BYTEA,
    is_enabled BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_alert_destinations PRIMARY KEY (id),
    CONSTRAINT uq_alert_destinations_workspace_id_name UNIQUE (workspace_id, name),
    CONSTRAINT ck_alert_destinations_type CHECK (type IN ('teams', 'email', 'slack', 'webhook', 'pagerduty', 'apprise')),
    CONSTRAINT fk_alert_destinations_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE TABLE alert_rules (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    is_enabled BOOLEAN DEFAULT true NOT NULL,
    event_types TEXT[] NOT NULL,
    min_severity alert_severity,
    tenant_ids UUID[],
    matchers JSONB DEFAULT '[]'::jsonb NOT NULL,
    destination_ids UUID[] NOT NULL,
    cooldown_seconds INTEGER,
    quiet_hours JSONB,
    position INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_alert_rules PRIMARY KEY (id),
    CONSTRAINT uq_alert_rules_workspace_id_name UNIQUE (workspace_id, name),
    CONSTRAINT fk_alert_rules_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE TABLE silences (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    matchers JSONB NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_silences PRIMARY KEY (id),
    CONSTRAINT ck_silences_ends_after_start CHECK (ends_at >= starts_at),
    CONSTRAINT fk_silences_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE INDEX ix_silences_workspace_id_ends_at ON silences (workspace_id, ends_at);

CREATE TABLE memberships (
    user_id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    role TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (user_id, workspace_id),
    CONSTRAINT ck_memberships_role CHECK (role IN ('viewer', 'responder', 'admin')),
    CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_memberships_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash)
);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);

CREATE TABLE api_keys (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    role TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT ck_api_keys_role CHECK (role IN ('viewer', 'responder', 'admin')),
    CONSTRAINT fk_api_keys_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT uq_api_keys_key_hash UNIQUE (key_hash)
);
CREATE INDEX ix_api_keys_workspace_id ON api_keys (workspace_id);

CREATE TABLE integrations (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    webhook_secret BYTEA NOT NULL,
    previous_webhook_secret BYTEA,
    previous_secret_expires_at TIMESTAMP WITH TIME ZONE,
    is_active BOOLEAN DEFAULT true NOT NULL,
    auth_scheme TEXT DEFAULT 'hmac' NOT NULL,
    signature_header TEXT DEFAULT 'X-Webhook-Signature' NOT NULL,
    signature_algorithm TEXT DEFAULT 'sha256' NOT NULL,
    signature_format TEXT DEFAULT 'hex' NOT NULL,
    signature_prefix TEXT,
    signed_content TEXT DEFAULT 'body' NOT NULL,
    timestamp_header TEXT,
    timestamp_tolerance_seconds INTEGER DEFAULT 300 NOT NULL,
    deduplication_window_minutes INTEGER DEFAULT 15 NOT NULL,
    default_severity alert_severity DEFAULT 'HIGH'::alert_severity NOT NULL,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    mapping JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_integrations PRIMARY KEY (id),
    CONSTRAINT uq_integrations_workspace_id_name UNIQUE (workspace_id, name),
    CONSTRAINT ck_integrations_auth_scheme CHECK (auth_scheme IN ('hmac', 'token', 'basic', 'url', 'sns')),
    CONSTRAINT ck_integrations_signature_algorithm CHECK (signature_algorithm IN ('sha256', 'sha512', 'sha1')),
    CONSTRAINT ck_integrations_signature_format CHECK (signature_format IN ('hex', 'base64')),
    CONSTRAINT ck_integrations_signed_content CHECK (signed_content IN ('body', 'timestamp.body', 'timestamp:body', 'id.timestamp.body')),
    CONSTRAINT ck_integrations_deduplication_window_minutes CHECK (deduplication_window_minutes >= 0),
    CONSTRAINT ck_integrations_timestamp_tolerance_seconds CHECK (timestamp_tolerance_seconds >= 0),
    CONSTRAINT ck_integrations_previous_secret CHECK ((previous_webhook_secret IS NULL) = (previous_secret_expires_at IS NULL)),
    CONSTRAINT fk_integrations_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_integrations_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);
CREATE INDEX ix_integrations_is_active ON integrations (is_active);
CREATE INDEX ix_integrations_type ON integrations (type);

CREATE TABLE destination_states (
    alert_destination_id UUID NOT NULL,
    hold_until TIMESTAMP WITH TIME ZONE,
    hold_reason TEXT,
    failing_since TIMESTAMP WITH TIME ZONE,
    failure_count INTEGER DEFAULT 0 NOT NULL,
    last_success_at TIMESTAMP WITH TIME ZONE,
    fallback_told_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_destination_states PRIMARY KEY (alert_destination_id),
    CONSTRAINT fk_destination_states_alert_destination_id FOREIGN KEY(alert_destination_id) REFERENCES alert_destinations (id) ON DELETE CASCADE
);

INSERT INTO configuration DEFAULT VALUES;

-- What ingest and delivery go by. A change of any of it raises the configuration's version under an
-- exclusive lock that every commit of webhooks holds shared: each commit has the old rules or the
-- new ones, on every node, never a mixture.
CREATE FUNCTION configuration_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7238539205);
    UPDATE configuration SET version = version + 1;
    PERFORM pg_notify('tocsin_configuration', (SELECT version::text FROM configuration));
    RETURN NULL;
END
$$;

CREATE TRIGGER workspaces_configuration AFTER INSERT OR UPDATE OR DELETE ON workspaces
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER tenants_configuration AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER integrations_configuration AFTER INSERT OR UPDATE OR DELETE ON integrations
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER alert_destinations_configuration AFTER INSERT OR UPDATE OR DELETE ON alert_destinations
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER alert_rules_configuration AFTER INSERT OR UPDATE OR DELETE ON alert_rules
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER silences_configuration AFTER INSERT OR UPDATE OR DELETE ON silences
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
