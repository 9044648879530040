ALTER TABLE alert_rules ADD COLUMN remind_every_seconds integer;

ALTER TABLE integrations ADD COLUMN auto_resolve_minutes integer;
ALTER TABLE integrations ADD CONSTRAINT ck_integrations_auto_resolve_minutes CHECK (auto_resolve_minutes > 0);

CREATE TABLE alert_timers (
    alert_id uuid NOT NULL,
    kind text NOT NULL,
    alert_destination_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    workspace_id uuid NOT NULL,
    CONSTRAINT pk_alert_timers PRIMARY KEY (alert_id, kind, alert_destination_id),
    CONSTRAINT fk_alert_timers_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE CASCADE
);
CREATE INDEX ix_alert_timers_due_at ON alert_timers (due_at);
