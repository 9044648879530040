CREATE TABLE schedules (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    layers JSONB NOT NULL,
    fallback_user_id UUID,
    fallback_destination_id UUID,
    effective_from TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_schedules PRIMARY KEY (id),
    CONSTRAINT ck_schedules_one_fallback
        CHECK (fallback_user_id IS NULL OR fallback_destination_id IS NULL),
    CONSTRAINT fk_schedules_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_schedules_fallback_user_id FOREIGN KEY (fallback_user_id) REFERENCES users (id),
    CONSTRAINT fk_schedules_fallback_destination_id
        FOREIGN KEY (fallback_destination_id) REFERENCES alert_destinations (id)
);
CREATE UNIQUE INDEX uq_schedules_workspace_id_name ON schedules (workspace_id, name)
    WHERE deleted_at IS NULL;

-- What held, or will hold. Those that have ended never change.
CREATE TABLE schedule_versions (
    schedule_id UUID NOT NULL,
    effective_from TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_until TIMESTAMP WITH TIME ZONE,
    timezone TEXT NOT NULL,
    layers JSONB NOT NULL,
    fallback_user_id UUID,
    fallback_destination_id UUID,
    CONSTRAINT pk_schedule_versions PRIMARY KEY (schedule_id, effective_from),
    CONSTRAINT fk_schedule_versions_schedule_id
        FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE CASCADE
);

CREATE TABLE shift_swaps (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    schedule_id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    user_id UUID NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    taken_by UUID,
    return_starts_at TIMESTAMP WITH TIME ZONE,
    return_ends_at TIMESTAMP WITH TIME ZONE,
    comment TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_shift_swaps PRIMARY KEY (id),
    CONSTRAINT ck_shift_swaps_kind CHECK (kind IN ('give', 'exchange')),
    CONSTRAINT ck_shift_swaps_state CHECK (state IN ('open', 'taken', 'canceled')),
    CONSTRAINT ck_shift_swaps_has_length
        CHECK (ends_at > starts_at AND return_ends_at > return_starts_at),
    CONSTRAINT ck_shift_swaps_taken CHECK ((taken_by IS NOT NULL) = (state = 'taken')),
    CONSTRAINT fk_shift_swaps_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_shift_swaps_schedule_id
        FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE CASCADE,
    CONSTRAINT fk_shift_swaps_user_id FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT fk_shift_swaps_taken_by FOREIGN KEY (taken_by) REFERENCES users (id)
);
CREATE INDEX ix_shift_swaps_schedule_id ON shift_swaps (schedule_id);

CREATE TABLE schedule_overrides (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    schedule_id UUID NOT NULL,
    layer_id UUID,
    kind TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    user_id UUID,
    substitute_user_id UUID,
    shift_swap_id UUID,
    comment TEXT DEFAULT '' NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_schedule_overrides PRIMARY KEY (id),
    CONSTRAINT ck_schedule_overrides_has_length CHECK (ends_at > starts_at),
    CONSTRAINT ck_schedule_overrides_kind CHECK (kind IN ('replace', 'add', 'remove', 'cover')),
    CONSTRAINT ck_schedule_overrides_who CHECK (
        (user_id IS NOT NULL) = (kind IN ('replace', 'remove'))
        AND (substitute_user_id IS NOT NULL) = (kind <> 'remove')),
    CONSTRAINT fk_schedule_overrides_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_schedule_overrides_schedule_id
        FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE CASCADE,
    CONSTRAINT fk_schedule_overrides_user_id FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT fk_schedule_overrides_substitute_user_id
        FOREIGN KEY (substitute_user_id) REFERENCES users (id),
    CONSTRAINT fk_schedule_overrides_shift_swap_id
        FOREIGN KEY (shift_swap_id) REFERENCES shift_swaps (id) ON DELETE CASCADE
);
CREATE INDEX ix_schedule_overrides_schedule_id_ends_at ON schedule_overrides (schedule_id, ends_at);
CREATE INDEX ix_schedule_overrides_shift_swap_id ON schedule_overrides (shift_swap_id);

CREATE TABLE calendar_feeds (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    schedule_id UUID,
    user_id UUID,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_calendar_feeds PRIMARY KEY (id),
    CONSTRAINT uq_calendar_feeds_token_hash UNIQUE (token_hash),
    CONSTRAINT ck_calendar_feeds_of_something CHECK (schedule_id IS NOT NULL OR user_id IS NOT NULL),
    CONSTRAINT fk_calendar_feeds_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_calendar_feeds_schedule_id
        FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE CASCADE,
    CONSTRAINT fk_calendar_feeds_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_calendar_feeds_workspace_id ON calendar_feeds (workspace_id);

-- Whom a page reaches depends on both, and they are read with it, in its transaction. They raise the
-- configuration's version so that whoever waits for it may look again.
CREATE TRIGGER schedules_configuration AFTER INSERT OR UPDATE OR DELETE ON schedules
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER schedule_overrides_configuration AFTER INSERT OR UPDATE OR DELETE ON schedule_overrides
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
