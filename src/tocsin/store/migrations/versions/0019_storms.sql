-- Of a storm: what its destination takes in an interval, and how much has come since the last digest.
ALTER TABLE alert_groups
    ADD COLUMN IF NOT EXISTS budget double precision DEFAULT 0 NOT NULL,
    ADD COLUMN IF NOT EXISTS gathered integer DEFAULT 0 NOT NULL;
CREATE INDEX IF NOT EXISTS ix_alert_groups_storms ON alert_groups (alert_destination_id)
    WHERE kind = 'storm';
