ALTER TABLE users ADD COLUMN quiet_hours JSONB;
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE users DROP CONSTRAINT uq_users_email;
-- One address, however it is written, is one person; a deleted person's is free again.
CREATE UNIQUE INDEX uq_users_email ON users (lower(email)) WHERE deleted_at IS NULL;
ALTER TABLE users ADD CONSTRAINT ck_users_inert_once_deleted
    CHECK (deleted_at IS NULL OR (NOT is_active AND password_hash IS NULL));

ALTER TABLE memberships ADD COLUMN updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL;
CREATE INDEX ix_memberships_workspace_id_user_id ON memberships (workspace_id, user_id);

ALTER TABLE api_keys ADD COLUMN user_id UUID;
ALTER TABLE api_keys ADD CONSTRAINT fk_api_keys_user_id
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
CREATE INDEX ix_api_keys_user_id ON api_keys (user_id) WHERE user_id IS NOT NULL;

-- A contact method is a destination that belongs to a person: with a user it is theirs alone, and its
-- name is unique among nothing.
ALTER TABLE alert_destinations ADD COLUMN user_id UUID;
ALTER TABLE alert_destinations ADD COLUMN verified_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE alert_destinations ADD CONSTRAINT fk_alert_destinations_user_id
    FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE alert_destinations ADD CONSTRAINT ck_alert_destinations_only_contacts_are_verified
    CHECK (verified_at IS NULL OR user_id IS NOT NULL);
CREATE INDEX ix_alert_destinations_user_id ON alert_destinations (user_id) WHERE user_id IS NOT NULL;
DROP INDEX uq_alert_destinations_workspace_id_name;
CREATE UNIQUE INDEX uq_alert_destinations_workspace_id_name ON alert_destinations (workspace_id, name)
    WHERE deleted_at IS NULL AND user_id IS NULL;

CREATE TABLE invitations (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    invited_by JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (id),
    CONSTRAINT uq_invitations_token_hash UNIQUE (token_hash),
    CONSTRAINT ck_invitations_role CHECK (role IN ('viewer', 'responder', 'admin')),
    CONSTRAINT fk_invitations_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);
CREATE INDEX ix_invitations_workspace_id ON invitations (workspace_id);

CREATE TABLE contact_codes (
    alert_destination_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    wrong_count INTEGER DEFAULT 0 NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_contact_codes PRIMARY KEY (alert_destination_id),
    CONSTRAINT fk_contact_codes_alert_destination_id
        FOREIGN KEY (alert_destination_id) REFERENCES alert_destinations (id) ON DELETE CASCADE
);

CREATE TABLE notification_rules (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    user_id UUID NOT NULL,
    urgency TEXT NOT NULL,
    position INTEGER NOT NULL,
    delay_seconds INTEGER NOT NULL,
    contact_method_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_notification_rules PRIMARY KEY (id),
    CONSTRAINT ck_notification_rules_urgency CHECK (urgency IN ('high', 'low')),
    CONSTRAINT ck_notification_rules_delay CHECK (delay_seconds >= 0),
    CONSTRAINT uq_notification_rules_user_id_workspace_id_urgency_position
        UNIQUE (user_id, workspace_id, urgency, position),
    CONSTRAINT fk_notification_rules_membership FOREIGN KEY (user_id, workspace_id)
        REFERENCES memberships (user_id, workspace_id) ON DELETE CASCADE,
    CONSTRAINT fk_notification_rules_contact_method_id
        FOREIGN KEY (contact_method_id) REFERENCES alert_destinations (id) ON DELETE CASCADE
);
CREATE INDEX ix_notification_rules_contact_method_id ON notification_rules (contact_method_id);

-- Who is paged, and how. Not a new password: that changes nothing of it.
CREATE TRIGGER users_configuration AFTER INSERT OR DELETE
    OR UPDATE OF name, timezone, is_active, quiet_hours, deleted_at ON users
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER memberships_configuration AFTER INSERT OR UPDATE OR DELETE ON memberships
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER notification_rules_configuration AFTER INSERT OR UPDATE OR DELETE ON notification_rules
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
