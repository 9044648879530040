-- Where a session works, and how its owner recognises it in the list of their sessions.
ALTER TABLE sessions ADD COLUMN workspace_id UUID;
ALTER TABLE sessions ADD CONSTRAINT fk_sessions_workspace_id
    FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN browser TEXT DEFAULT '' NOT NULL;

-- How a person likes the console: theme, single keys, density.
ALTER TABLE users ADD COLUMN preferences JSONB DEFAULT '{}' NOT NULL;

-- Addresses that sign in once: printed by the first start, by the demo, sent for a forgotten password.
CREATE TABLE sign_in_links (
    token_hash BYTEA NOT NULL,
    user_id UUID,
    purpose TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_in_links PRIMARY KEY (token_hash),
    CONSTRAINT fk_sign_in_links_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ck_sign_in_links_purpose CHECK (purpose IN ('sign_in', 'set_up', 'new_password')),
    CONSTRAINT ck_sign_in_links_only_the_first_start_has_nobody
        CHECK ((user_id IS NULL) = (purpose = 'set_up'))
);
CREATE INDEX ix_sign_in_links_user_id ON sign_in_links (user_id) WHERE user_id IS NOT NULL;

-- Filters of the list of alerts that have a name: one's own, or the workspace's.
CREATE TABLE saved_views (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    user_id UUID,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    group_by TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_saved_views PRIMARY KEY (id),
    CONSTRAINT fk_saved_views_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_saved_views_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_saved_views_workspace_id ON saved_views (workspace_id);
CREATE INDEX ix_saved_views_user_id ON saved_views (user_id) WHERE user_id IS NOT NULL;

-- The list of what is live, worst first and then newest: a page of it is read, not sorted.
CREATE INDEX ix_alerts_live_by_severity ON alerts (workspace_id, severity, id DESC)
    WHERE status IN ('OPEN', 'ACKNOWLEDGED');
