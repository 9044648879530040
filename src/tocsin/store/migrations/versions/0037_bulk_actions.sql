-- What is done to all alerts of a filter: the filter's alerts at that moment, worked through in steps.
CREATE TABLE bulk_actions (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    kind TEXT NOT NULL,
    query TEXT NOT NULL,
    actor JSONB NOT NULL,
    wish JSONB DEFAULT '{}'::jsonb NOT NULL,
    state TEXT DEFAULT 'running' NOT NULL,
    alert_count INTEGER NOT NULL,
    has_more BOOLEAN NOT NULL,
    changed_count INTEGER DEFAULT 0 NOT NULL,
    unchanged_count INTEGER DEFAULT 0 NOT NULL,
    refused_count INTEGER DEFAULT 0 NOT NULL,
    undo_of UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_bulk_actions PRIMARY KEY (id),
    CONSTRAINT fk_bulk_actions_workspace_id
        FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_bulk_actions_undo_of
        FOREIGN KEY (undo_of) REFERENCES bulk_actions (id) ON DELETE SET NULL,
    CONSTRAINT ck_bulk_actions_kind CHECK (kind IN ('acknowledge', 'unacknowledge', 'resolve', 'close',
        'reopen', 'note', 'snooze', 'unsnooze', 'assign')),
    CONSTRAINT ck_bulk_actions_state CHECK (state IN ('running', 'canceling', 'canceled', 'done'))
);
CREATE INDEX ix_bulk_actions_workspace_id_id ON bulk_actions (workspace_id, id);
CREATE INDEX ix_bulk_actions_unfinished ON bulk_actions (workspace_id, id)
    WHERE state IN ('running', 'canceling');
CREATE UNIQUE INDEX uq_bulk_actions_undo_of ON bulk_actions (undo_of) WHERE undo_of IS NOT NULL;

CREATE TABLE bulk_action_alerts (
    bulk_action_id UUID NOT NULL,
    place INTEGER NOT NULL,
    alert_id UUID NOT NULL,
    outcome TEXT,
    reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_bulk_action_alerts PRIMARY KEY (bulk_action_id, place),
    CONSTRAINT fk_bulk_action_alerts_bulk_action_id
        FOREIGN KEY (bulk_action_id) REFERENCES bulk_actions (id) ON DELETE CASCADE,
    CONSTRAINT ck_bulk_action_alerts_outcome CHECK (outcome IN ('changed', 'unchanged', 'refused'))
);
-- What is still to be done, in order; it is empty once all is.
CREATE INDEX ix_bulk_action_alerts_pending ON bulk_action_alerts (bulk_action_id, place)
    WHERE outcome IS NULL;
