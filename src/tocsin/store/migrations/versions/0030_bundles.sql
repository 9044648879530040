ALTER TABLE alert_groups DROP CONSTRAINT ck_alert_groups_known_kind;
ALTER TABLE alert_groups ADD CONSTRAINT ck_alert_groups_known_kind
    CHECK (kind IN ('rule', 'storm', 'maintenance', 'pages'));
DROP INDEX ix_alert_groups_storms;
CREATE INDEX ix_alert_groups_storms ON alert_groups (alert_destination_id)
    WHERE kind IN ('storm', 'pages');
