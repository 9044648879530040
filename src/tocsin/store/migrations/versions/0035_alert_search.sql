-- What alerts say, beside them: an index of words costs more than a webhook may wait for.
CREATE TABLE alert_search (
    alert_id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    is_live BOOLEAN NOT NULL,
    words_digest UUID,
    words TEXT NOT NULL,
    CONSTRAINT pk_alert_search PRIMARY KEY (alert_id)
);
CREATE INDEX ix_alert_search_live ON alert_search (alert_id) WHERE is_live;

CREATE TABLE alert_search_state (
    id BOOLEAN DEFAULT true NOT NULL,
    copied_through UUID,
    CONSTRAINT pk_alert_search_state PRIMARY KEY (id)
);
INSERT INTO alert_search_state DEFAULT VALUES;

-- A server may not have the extension, or not allow it: words are then looked for without an index,
-- and `tocsin doctor` says so. Once it is there, the server makes the indexes itself.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX ix_alert_search_words_live ON alert_search USING gin (words gin_trgm_ops)
        WHERE is_live;
    CREATE INDEX ix_alert_search_words_over ON alert_search USING gin (words gin_trgm_ops)
        WHERE NOT is_live;
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
        NULL;
END
$$;

-- What is over, newest first, by its state: no trigger of an alert writes it.
CREATE INDEX ix_alerts_over ON alerts (workspace_id, status, id DESC)
    WHERE status IN ('RESOLVED', 'CLOSED');

-- What somebody has, worst first, and what this person has.
CREATE INDEX ix_alerts_acknowledged ON alerts (workspace_id, severity, id DESC)
    WHERE status = 'ACKNOWLEDGED';
CREATE INDEX ix_alerts_acknowledged_by ON alerts (acknowledged_by)
    WHERE status = 'ACKNOWLEDGED' AND acknowledged_by IS NOT NULL;
