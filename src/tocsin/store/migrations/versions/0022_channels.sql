-- Anybody may post what pretends to be a reply: finding out whose phone it names must cost little.
CREATE INDEX ix_alert_destinations_phone ON alert_destinations ((config ->> 'to'))
    WHERE type IN ('sms', 'voice') AND deleted_at IS NULL;

-- By `created_at`, which never changes: the few rows that ring are found, and no other row's update
-- costs more than before.
CREATE INDEX ix_alert_deliveries_ringing ON alert_deliveries (created_at) WHERE progress ? 'ringing';

CREATE TABLE installation_secrets (
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_installation_secrets PRIMARY KEY (name)
);
