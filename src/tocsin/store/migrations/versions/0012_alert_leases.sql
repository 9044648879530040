-- No foreign key: a row here lives for minutes, and the clock removes it whatever became of its alert.
CREATE TABLE alert_leases (
    alert_id UUID NOT NULL,
    sender UUID NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lapses_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_alert_leases PRIMARY KEY (alert_id, sender)
);
CREATE INDEX ix_alert_leases_lapses_at ON alert_leases (lapses_at);
